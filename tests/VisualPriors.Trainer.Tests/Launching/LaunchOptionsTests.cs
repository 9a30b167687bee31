using VisualPriors.Api.Errors;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Tests.Launching;

public sealed class LaunchOptionsTests
{
    private static readonly Dictionary<string, string> Pod = new()
    {
        ["NODE_RANK"] = "1",
        ["MASTER_ADDR"] = "job-0.job",
        ["MASTER_PORT"] = "4242",
        ["VISUALPRIORS_ATTEMPT"] = "7",
        ["VISUALPRIORS_RENDEZVOUS_TOKEN"] = "secret",
        ["VISUALPRIORS_GRACE_SECONDS"] = "1.5",
        ["CUDA_VISIBLE_DEVICES"] = "4,5",
    };

    [Fact]
    public void Options_go_before_the_environment_and_the_environment_before_defaults()
    {
        Assert.Equal(
            new LaunchOptions { Plan = "p.json", Grace = TimeSpan.FromSeconds(25) },
            LaunchOptions.Parse(["--plan", "p.json"], _ => null));
        Assert.Equal(
            new LaunchOptions
            {
                Plan = "p.json",
                NodeRank = 1,
                MasterAddress = "job-0.job",
                MasterPort = 4242,
                Attempt = 7,
                Token = "secret",
                VisibleDevices = "4,5",
                Grace = TimeSpan.FromSeconds(1.5),
            },
            LaunchOptions.Parse(["--plan", "p.json"], Pod.GetValueOrDefault));
        Assert.Equal(
            (2, "other", 99, 8),
            LaunchOptions.Parse(
                ["--attempt", "8", "--plan", "p.json", "--node-rank", "2", "--master-port", "99", "--master-address", "other"], Pod.GetValueOrDefault) is var options
                ? (options.NodeRank!.Value, options.MasterAddress!, options.MasterPort!.Value, options.Attempt!.Value) : default);
    }

    [Theory]
    [InlineData("", "--plan", "nothing")]
    [InlineData("--plan", "--plan", "nothing")]
    [InlineData("--plan a --plan b", null, "--plan twice")]
    [InlineData("--plan a --nodes 2", null, "'--nodes'")]
    [InlineData("--plan a --node-rank -1", "--node-rank", "'-1'")]
    [InlineData("--plan a --node-rank one", "--node-rank", "'one'")]
    [InlineData("--plan a --master-port 0", "--master-port", "'0'")]
    [InlineData("--plan a --master-port 65536", "--master-port", "'65536'")]
    [InlineData("--plan a --attempt 1.5", "--attempt", "'1.5'")]
    [InlineData("--plan a --attempt 0", "--attempt", "'0'")]
    [InlineData("--plan a --attempt 2147483648", "--attempt", "'2147483648'")]
    public void A_wrong_option_is_named(string arguments, string? field, string found) =>
        Refused(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), [], "launch", field, found);

    [Theory]
    [InlineData("MASTER_PORT", "http")]
    [InlineData("NODE_RANK", "x")]
    [InlineData("VISUALPRIORS_ATTEMPT", "-3")]
    [InlineData("VISUALPRIORS_GRACE_SECONDS", "soon")]
    [InlineData("VISUALPRIORS_GRACE_SECONDS", "-1")]
    [InlineData("VISUALPRIORS_GRACE_SECONDS", "NaN")]
    public void A_wrong_variable_is_named(string variable, string value) =>
        Refused(["--plan", "a"], new() { [variable] = value }, "environment", variable, $"'{value}'");

    private static void Refused(string[] arguments, Dictionary<string, string> environment, string file, string? field, string found)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => LaunchOptions.Parse(arguments, environment.GetValueOrDefault)).Errors);

        Assert.Equal((file, field, found), (error.File, error.Field, error.Found));
    }
}
