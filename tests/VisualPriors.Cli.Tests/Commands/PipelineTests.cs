using System.Text.Json.Nodes;

namespace VisualPriors.Cli.Tests.Commands;

/// <summary>Pipelines in manifests; their stages are finished, so that nothing here needs a trainer.</summary>
public sealed class PipelineTests : IDisposable
{
    private const string Pipeline = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: Pipeline
        metadata: {name: chain}
        spec:
          stages:
            - name: see
              align:
                from: {kind: PretrainRun, name: text}
                visionEncoder: vision-encoder
                captions: captions
                visualTokens: 4
                training: {globalBatchSize: 2}
            - name: text
              pretrain:
                model: {preset: nano}
                data:
                  corpus: corpus
                  mixture: {code: 1, math: 3}
                training: {tokens: 65, sequenceLength: 8, globalBatchSize: 2}
              gates:
                - {score: finalValidationLoss, maximum: 2.5}
        """;

    private readonly TinyExperiment _experiment = new();

    public PipelineTests() => _experiment.Write(Pipeline);

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Is_planned_as_its_runs()
    {
        var run = await VpRun.Of(["validate", "--json", .. _experiment.Options]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            ["chain-text PretrainRun  5", "chain-see AlignRun chain-text 2"],
            JsonNode.Parse(run.Output)!["stages"]!.AsArray().Select(stage => $"{stage!["run"]} {stage["kind"]} {stage["from"]} {stage["steps"]}"));
    }

    [Fact]
    public async Task Its_stages_are_the_same_work_as_plain_runs()
    {
        var pipeline = await VpRun.Of(["validate", "--json", .. _experiment.Options]);
        _experiment.Write(TinyExperiment.Chain);
        var runs = await VpRun.Of(["validate", "--json", .. _experiment.Options]);

        Assert.Equal(Digests(runs).Take(2), Digests(pipeline));

        static List<string> Digests(VpRun run) => [.. JsonNode.Parse(run.Output)!["stages"]!.AsArray().Select(stage => (string)stage!["digest"]!)];
    }

    [Fact]
    public async Task Runs_while_its_gates_are_kept()
    {
        FinishedStages.Write(_experiment);

        var run = await VpRun.Of(["run", .. _experiment.Options]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(2, run.OutputLines.Count(line => line.Contains(": reused, finished already", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ends_at_a_gate_that_is_missed()
    {
        _experiment.Write(Pipeline.Replace("maximum: 2.5", "maximum: 2.4", StringComparison.Ordinal));
        FinishedStages.Write(_experiment);

        var run = await VpRun.Of(["run", .. _experiment.Options]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            "error: chain-text missed a gate of its pipeline, which ends here: finalValidationLoss is 2.5, the gate asks for at most 2.4\n", run.Error);
        Assert.DoesNotContain("chain-see: reused", run.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_experiment.Output, "run.json")));
    }

    [Fact]
    public async Task Says_where_a_stage_names_data_that_is_not_there()
    {
        Directory.Delete(Path.Combine(_experiment.Data, "captions"), recursive: true);

        var run = await VpRun.Of(["validate", .. _experiment.Options]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"{_experiment.Manifest}:10: spec.stages[0].align.captions: found 'captions'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_estimated_stage_by_stage()
    {
        var run = await VpRun.Of(["plan", "-f", _experiment.Manifest, "--data", _experiment.Data, "--preset", "1B"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("chain-see", run.Output, StringComparison.Ordinal);
    }
}
