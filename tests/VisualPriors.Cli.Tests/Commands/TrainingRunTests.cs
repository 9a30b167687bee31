using System.Text.Json.Nodes;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Trainer;

namespace VisualPriors.Cli.Tests.Commands;

/// <summary>Runs with the trainer that lies beside the program, as everybody runs them.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public TrainingRunTests() => WritePretraining(tokens: 65);

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task A_stage_is_trained_once_and_reused_after()
    {
        var first = await VpRun.Of(["run", "--json", .. _experiment.Options]);
        var second = await VpRun.Of(["run", "--json", .. _experiment.Options]);

        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        Assert.Contains("started", Events(first));
        Assert.Contains("progress", Events(first));
        Assert.Equal((0, ""), (second.ExitCode, second.Error));
        Assert.Equal(["planned", "ended", "finished"], Events(second));
        var (trained, reused) = (Summary(first), Summary(second));
        Assert.Equal(["initialLoss", "finalValidationLoss", "tokens", "tokensPerSecond", "parameters"], trained.Select(number => number.Key));
        Assert.Equal(80, (double)trained["tokens"]!);
        Assert.True(JsonNode.DeepEquals(trained, reused));
        Assert.Equal(["checkpoints", "logs", "plans", "report.html", "run.json", "stages", "summary.json"], Entries(_experiment.Output));
        Assert.Single(Entries(Path.Combine(_experiment.Output, "stages")));
    }

    [Fact]
    public async Task Stopping_in_the_middle_leaves_nothing_half_written()
    {
        WritePretraining(tokens: 1_000_000);
        using var stop = new CancellationTokenSource();
        var experiment = ExperimentLoader.Load(_experiment.Manifest, _experiment.Data, _experiment.Output, default);
        var stage = experiment.Stages[0];
        var heard = 0;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new StageProcess(TrainerCommand.BesideThisProgram()).RunAsync(
            _experiment.Output,
            stage,
            report =>
            {
                heard++;
                if (report.Step > 0)
                {
                    stop.Cancel();
                }
            },
            stop.Token));

        Assert.True(heard > 0);
        Assert.Empty(Entries(Path.Combine(_experiment.Output, "stages")));
    }

    private static string[] Events(VpRun run) => [.. run.OutputLines.Select(line => (string)JsonNode.Parse(line)!["event"]!)];

    private static JsonObject Summary(VpRun run) => JsonNode.Parse(run.OutputLines[^1])!["summary"]!["pretrain"]!.AsObject();

    private static string[] Entries(string directory) =>
        [.. Directory.GetFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    private void WritePretraining(long tokens) => _experiment.Write(TinyExperiment.Chain.Split("---")[0]
        .Replace("tokens: 65", $"tokens: {tokens}, validation: {{sequences: 2}}", StringComparison.Ordinal));
}
