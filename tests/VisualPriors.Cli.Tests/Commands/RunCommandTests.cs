using System.Text.Json.Nodes;
using VisualPriors.Cli.Experiments;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Tests.Commands;

/// <summary>Runs of chains whose stages are finished: nothing here needs a trainer.</summary>
public sealed class RunCommandTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Finished_stages_are_reused_and_said_to_be()
    {
        FinishAll();

        var run = await VpRun.Of(["run", .. _experiment.Options]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(4, run.OutputLines.Count(line => line.Contains(": reused, finished already", StringComparison.Ordinal)));
        Assert.Matches("finalValidationLoss.* 2.5000", run.Output);
        Assert.Matches("blindOverall.* 25.0 ?%", run.Output);
        Assert.EndsWith($"Report:  {_experiment.Output}/report.html\n", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_experiment.Output, "report.html")));
    }

    [Fact]
    public async Task The_summary_has_the_agreed_parts_and_nothing_else()
    {
        FinishAll();

        await VpRun.Of(["run", .. _experiment.Options]);

        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(_experiment.Output, "summary.json")));
        Assert.True(
            JsonNode.DeepEquals(summary, JsonNode.Parse("""
                {
                  "pretrain": {"initialLoss": 5.6, "finalValidationLoss": 2.5, "tokens": 80, "tokensPerSecond": 4000.5, "parameters": 3000000},
                  "align": {"finalLoss": 1.5},
                  "sft": {"finalLoss": 0.5},
                  "mleBench": {"questions": 3, "small": 0.75, "medium": 0.7, "large": 0.8, "overall": 0.74, "blindOverall": 0.25},
                  "seconds": 40
                }
                """)),
            summary?.ToJsonString());
    }

    [Fact]
    public async Task A_chain_without_a_stage_has_a_summary_without_its_part()
    {
        _experiment.Write(TinyExperiment.Chain.Split("---")[0]);
        FinishAll();

        await VpRun.Of(["run", .. _experiment.Options]);

        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(_experiment.Output, "summary.json")))!.AsObject();
        Assert.Equal(["pretrain", "seconds"], summary.Select(part => part.Key));
    }

    [Fact]
    public async Task The_record_names_every_stage()
    {
        FinishAll();

        await VpRun.Of(["run", .. _experiment.Options]);

        var record = JsonNode.Parse(File.ReadAllText(Path.Combine(_experiment.Output, "run.json")))!;
        Assert.Equal(TinyExperiment.Chain, (string)record["manifest"]!);
        var stages = record["stages"]!.AsArray();
        Assert.Equal(["decoder pretrain", "aligned align", "tuned sft", "scored eval"], stages.Select(stage => $"{stage!["run"]} {stage["kind"]}"));
        Assert.All(stages, stage =>
        {
            Assert.Equal($"stages/{stage!["digest"]}", (string)stage["artifact"]!);
            Assert.Equal(10, (double)stage["seconds"]!);
            Assert.True((bool)stage["reused"]!);
        });
    }

    [Fact]
    public async Task Json_is_a_line_per_event()
    {
        FinishAll();

        var run = await VpRun.Of(["run", "--json", .. _experiment.Options]);

        Assert.Equal(
            ["planned", "ended", "ended", "ended", "ended", "finished"],
            run.OutputLines.Select(line => (string)JsonNode.Parse(line)!["event"]!));
        Assert.Equal(0.74, (double)JsonNode.Parse(run.OutputLines[^1])!["summary"]!["mleBench"]!["overall"]!);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("other-stage")]
    [InlineData("other-kind")]
    [InlineData("no-json")]
    public async Task A_stage_that_is_not_whole_or_another_is_not_reused(string what)
    {
        FinishAll();
        var first = Load().Stages[0].Planned.Plan.Placement.Output;
        switch (what)
        {
            case "flipped":
                File.WriteAllText(Path.Combine(first, "mixture.json"), "[ ");
                break;
            case "no-json":
                File.WriteAllText(Path.Combine(first, "artifact.json"), "{");
                break;
            default:
                using (var writer = new ArtifactWriter(first))
                {
                    writer.Commit(what == "other-kind" ? "align" : "pretrain", what == "other-stage" ? "another" : Load().Stages[0].Planned.Digest);
                }

                break;
        }

        var run = await VpRun.Of(["validate", "--json", .. _experiment.Options]);

        Assert.Equal([false, true, true, true], JsonNode.Parse(run.Output)!["stages"]!.AsArray().Select(stage => (bool)stage!["finished"]!));
    }

    [Fact]
    public async Task A_report_is_made_anew()
    {
        FinishAll();
        await VpRun.Of(["run", .. _experiment.Options]);
        var report = Path.Combine(_experiment.Output, "report.html");
        File.Delete(report);

        var run = await VpRun.Of(["report", "--output", _experiment.Output]);

        Assert.Equal((0, $"Report: {report}\n"), (run.ExitCode, run.Output));
        Assert.True(File.Exists(report));
    }

    private Experiment Load() => FinishedStages.Load(_experiment);

    private void FinishAll() => FinishedStages.Write(_experiment);
}
