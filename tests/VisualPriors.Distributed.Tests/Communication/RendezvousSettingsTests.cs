using VisualPriors.Api.Errors;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Distributed.Tests.Communication;

public sealed class RendezvousSettingsTests
{
    private static readonly Dictionary<string, string> Good = new()
    {
        ["RANK"] = "5",
        ["LOCAL_RANK"] = "1",
        ["WORLD_SIZE"] = "8",
        ["LOCAL_WORLD_SIZE"] = "4",
        ["MASTER_ADDR"] = "node-0",
        ["MASTER_PORT"] = "29500",
        ["VISUALPRIORS_ATTEMPT"] = "2",
        ["VISUALPRIORS_RENDEZVOUS_TOKEN"] = "0123456789abcdef",
    };

    [Fact]
    public void Everything_is_read()
    {
        var settings = Read(new(Good)
        {
            ["VISUALPRIORS_JOIN_TIMEOUT_SECONDS"] = "7",
            ["VISUALPRIORS_COLLECTIVE_TIMEOUT_SECONDS"] = "8",
            ["VISUALPRIORS_FLIGHT_RECORDS"] = "records",
        });
        Assert.Equal(
            new RendezvousSettings
            {
                Rank = 5,
                WorldSize = 8,
                LocalRank = 1,
                LocalSize = 4,
                MasterAddress = "node-0",
                MasterPort = 29500,
                Attempt = 2,
                Token = "0123456789abcdef",
                JoinTimeout = TimeSpan.FromSeconds(7),
                CollectiveTimeout = TimeSpan.FromSeconds(8),
                FlightRecordDirectory = "records",
            },
            settings);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Where_nobody_counts_attempts_it_is_none(string? value) => Assert.Equal(0, Read(new(Good) { ["VISUALPRIORS_ATTEMPT"] = value! }).Attempt);

    [Fact]
    public void Without_a_rank_it_is_a_run_of_one()
    {
        var settings = Read([]);
        Assert.Equal((0, 1, 0, 1), (settings.Rank, settings.WorldSize, settings.LocalRank, settings.LocalSize));
        using var world = JoinedWorld.Join(settings, TorchSharp.DeviceType.CPU, CancellationToken.None);
        Assert.Equal(1, world.Size);
    }

    [Theory]
    [InlineData("RANK", "8")]
    [InlineData("RANK", "-1")]
    [InlineData("RANK", "one")]
    [InlineData("LOCAL_RANK", null)]
    [InlineData("LOCAL_RANK", "2")]
    [InlineData("WORLD_SIZE", "")]
    [InlineData("WORLD_SIZE", "99999999999")]
    [InlineData("LOCAL_WORLD_SIZE", "3")]
    [InlineData("MASTER_ADDR", null)]
    [InlineData("MASTER_PORT", "65536")]
    [InlineData("VISUALPRIORS_ATTEMPT", "0")]
    [InlineData("VISUALPRIORS_ATTEMPT", "first")]
    [InlineData("VISUALPRIORS_RENDEZVOUS_TOKEN", null)]
    [InlineData("VISUALPRIORS_RENDEZVOUS_TOKEN", "short")]
    [InlineData("VISUALPRIORS_JOIN_TIMEOUT_SECONDS", "0")]
    [InlineData("VISUALPRIORS_COLLECTIVE_TIMEOUT_SECONDS", "1.5")]
    public void A_bad_or_missing_variable_is_named(string name, string? value)
    {
        var variables = new Dictionary<string, string>(Good);
        variables.Remove(name);
        if (value is not null)
        {
            variables[name] = value;
        }

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Read(variables)).Errors);
        Assert.Equal(name, error.Field);

        // Secrets do not end up in logs.
        Assert.DoesNotContain("short", error.Found, StringComparison.Ordinal);
    }

    private static RendezvousSettings Read(Dictionary<string, string> variables) => RendezvousSettings.From(variables.GetValueOrDefault);
}
