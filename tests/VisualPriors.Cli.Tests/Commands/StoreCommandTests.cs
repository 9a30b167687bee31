using System.Text.Json.Nodes;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Tests.Commands;

/// <summary>Data sets to a store and finished stages from it; the store is a folder, its Azure twin is tested where stores are.</summary>
public sealed class StoreCommandTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    private string Store => $"file://{_experiment.Root}/store";

    private string Fetched => Path.Combine(_experiment.Root, "fetched");

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Every_prepared_data_set_is_published_under_its_name_and_once()
    {
        var first = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store, "--json"]);
        var second = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store, "--json"]);

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        var sets = JsonNode.Parse(first.Output)!["dataSets"]!.AsArray();
        Assert.Equal(["captions", "corpus", "instructions", "mle-bench", "vision-encoder"], sets.Select(set => (string)set!["name"]!));
        Assert.All(sets, set => Assert.False((bool)set!["wasThere"]!));
        Assert.All(JsonNode.Parse(second.Output)!["dataSets"]!.AsArray(), set => Assert.Equal((true, 0L), ((bool)set!["wasThere"]!, (long)set["sentBytes"]!)));
        foreach (var set in sets)
        {
            var stored = await ArtifactStore.TryReadManifestAsync($"{StagePlaces.DataOf(Store)}/{set!["name"]}", default);
            Assert.Equal(Artifact.Open(Path.Combine(_experiment.Data, (string)set["name"]!)).Digest, stored!.Digest);
        }
    }

    [Fact]
    public async Task A_table_tells_what_was_sent()
    {
        var run = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store, "--name", "corpus", "captions"]);
        var again = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store, "--name", "corpus"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains($"{StagePlaces.DataOf(Store)}/corpus", run.Output, StringComparison.Ordinal);
        Assert.Contains("was there", again.Output, StringComparison.Ordinal);
        Assert.Null(await ArtifactStore.TryReadManifestAsync($"{StagePlaces.DataOf(Store)}/mle-bench", default));
    }

    [Fact]
    public async Task Other_data_under_a_name_that_is_taken_is_refused()
    {
        await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store]);
        using (var writer = new ArtifactWriter(Path.Combine(_experiment.Data, "vision-encoder")))
        {
            File.WriteAllText(writer.PathOf("config.json"), "{\"changed\": true}");
            writer.Commit(ArtifactKind.VisionEncoder);
        }

        var run = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("store/data/vision-encoder: found vision-encoder with digest", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such", "no artifact")]
    [InlineData("../output", "no artifact")]
    public async Task A_data_set_that_is_not_there_is_named(string name, string message)
    {
        var run = await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store, "--name", name]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chain_that_is_fetched_gives_the_report_that_the_run_gave()
    {
        var here = await FinishAsync();
        Assert.Equal(0, (await VpRun.Of(["run", .. _experiment.Options])).ExitCode);

        var run = await VpRun.Of(["fetch", "-f", _experiment.Manifest, "--data", _experiment.Data, "--from", Store, "--to", Fetched]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.EndsWith($"Report:  {Fetched}/report.html\n", run.Output, StringComparison.Ordinal);
        foreach (var name in new[] { "summary.json", "report.html" })
        {
            Assert.Equal(Read(_experiment.Output, name).Replace(" · reused", "", StringComparison.Ordinal), Read(Fetched, name));
        }

        File.Delete(Path.Combine(Fetched, "report.html"));
        Assert.Equal(0, (await VpRun.Of(["report", "--output", Fetched])).ExitCode);
        Assert.True(File.Exists(Path.Combine(Fetched, "report.html")));
        Assert.Equal(here.Select(stage => stage.Planned.Digest).Order(StringComparer.Ordinal), Stages());

        string Read(string folder, string name) =>
            File.ReadAllText(Path.Combine(folder, name)).Replace(Path.GetFileName(_experiment.Output), Path.GetFileName(Fetched), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_that_are_not_finished_are_named_and_nothing_is_fetched()
    {
        await FinishAsync(count: 2);

        var run = await VpRun.Of(["fetch", "-f", _experiment.Manifest, "--data", _experiment.Data, "--from", Store, "--to", Fetched]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("SftRun 'tuned'", run.Error, StringComparison.Ordinal);
        Assert.Contains("EvalRun 'scored'", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("decoder", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Fetched));
    }

    [Fact]
    public async Task Without_a_manifest_all_finished_stages_come_or_those_that_are_named()
    {
        var stages = await FinishAsync();

        var one = await VpRun.Of(["fetch", "--from", Store, "--to", Fetched, "--stage", stages[1].Planned.Digest]);
        Assert.Equal((0, ""), (one.ExitCode, one.Error));
        Assert.Equal([stages[1].Planned.Digest], Stages());

        var all = await VpRun.Of(["fetch", "--from", Store, "--to", Fetched, "--json"]);
        Assert.Equal(4, JsonNode.Parse(all.Output)!["stages"]!.AsArray().Count);
        Assert.Equal(stages.Select(stage => stage.Planned.Digest).Order(StringComparer.Ordinal), Stages());
    }

    [Theory]
    [InlineData("../data/corpus")]
    [InlineData("..")]
    [InlineData("0000")]
    public async Task A_stage_that_is_none_is_refused(string digest)
    {
        await FinishAsync();
        await VpRun.Of(["publish", "--data", _experiment.Data, "--to", Store]);

        var run = await VpRun.Of(["fetch", "--from", Store, "--to", Fetched, "--stage", digest]);

        Assert.Equal(2, run.ExitCode);
        Assert.False(Directory.Exists(Fetched));
    }

    private IEnumerable<string> Stages() => Directory.GetDirectories(Path.Combine(Fetched, "stages")).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal);

    /// <summary>Finishes stages here and in the store, where plans name the store's data.</summary>
    private async Task<IReadOnlyList<ExperimentStage>> FinishAsync(int count = 4)
    {
        var stages = ExperimentLoader.Load(_experiment.Manifest, _experiment.Data, _experiment.Output, default).Stages;
        foreach (var stage in stages.Take(count))
        {
            Commit(stage.Planned.Plan.Placement.Output, stage, stage.Planned.Plan);
            var placement = stage.Planned.Plan.Placement with { Inputs = stage.Planned.Plan.Placement.Inputs.ToDictionary(input => input.Key, input => $"{Store}/{input.Key}") };
            var elsewhere = Commit(Path.Combine(_experiment.Root, "pod", stage.Name), stage, stage.Planned.Plan with { Placement = placement });
            await ArtifactStore.PublishAsync(elsewhere, StagePlaces.InStore(Store).ArtifactOf(stage.Planned.Digest), default);
        }

        return stages;
    }

    private static Artifact Commit(string place, ExperimentStage stage, StagePlan plan)
    {
        using var writer = new ArtifactWriter(place);
        File.WriteAllBytes(writer.PathOf("plan.json"), PlanJson.Write(plan));
        return writer.Commit(stage.Kind, stage.Planned.Digest, new StageOutcome { Result = StageResult.Succeeded, Message = "done", Seconds = 10 });
    }
}
