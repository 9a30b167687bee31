using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Trainer.Tests.Faults;

/// <summary>A training that saves into Azure Blob storage (Azurite), which goes away and comes back; then a rank dies, and another number of ranks goes on.</summary>
public sealed class AzureStorageTests
{
    [Fact]
    public async Task Training_outlives_its_store_and_goes_on_elsewhere_from_what_lies_there()
    {
        await using var azurite = await Azurite.StartAsync();
        using var run = new TinyRun();
        var policy = new CheckpointSpec { EverySteps = 10, KeepLast = 2 };
        var address = $"azblob://{Azurite.Account}/checkpoints/tiny";
        var environment = new Dictionary<string, string> { ["AZURE_STORAGE_CONNECTION_STRING"] = Azurite.ConnectionString(azurite.Port) };
        Assert.Equal(0, (await run.Start("undisturbed", new ComputeSpec(), policy).EndAsync()).ExitCode);

        var first = run.Start("disturbed", new ComputeSpec { ProcessesPerNode = 2 }, policy, address, environment);
        first.WaitFor(progress => progress.CheckpointStep >= 20);
        await azurite.StopAsync(); // killed, it would forget what it said it had: it writes its records seconds late
        await azurite.RunAsync();
        var later = first.WaitFor(progress => progress.CheckpointStep >= 80);
        TrainerRun.Signal(first.RankId(1), "KILL");
        Assert.Equal(TrainerExitCode.Of(StageResult.Failed), (await first.EndAsync()).ExitCode);

        var second = run.Start("disturbed", new ComputeSpec(), policy, address, environment);
        var resumed = second.WaitFor(_ => true);
        Assert.Equal("resuming", resumed.Phase);
        Assert.True(resumed.Step >= later.CheckpointStep, $"{resumed.Step} after {later.CheckpointStep} was whole");
        Assert.Equal(0, (await second.EndAsync()).ExitCode);

        var (expected, found) = (Losses(run, "undisturbed"), Losses(run, "disturbed"));
        Assert.Equal(TinyRun.Steps, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    [Fact]
    public async Task A_store_that_cannot_be_had_ends_the_attempt_before_it_trains()
    {
        using var run = new TinyRun();

        var (exitCode, outcome) = await run.Start("none", new ComputeSpec(), new CheckpointSpec(), "azblob://account/container/prefix", new Dictionary<string, string>
        {
            ["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=other;AccountKey=AA==;",
        }).EndAsync();

        Assert.Equal(TrainerExitCode.Of(StageResult.UserError), exitCode);
        Assert.Contains("account", outcome!.Message, StringComparison.Ordinal);
    }

    private static double[] Losses(TinyRun run, string name) => [.. run.ResultOf(name).Metrics
        .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["loss"])
        .Where(loss => loss is not null)
        .Select(loss => (double)loss!)];
}
