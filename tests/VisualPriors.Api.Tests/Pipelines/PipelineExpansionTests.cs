using System.Text.Json;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Pipelines;

public sealed class PipelineExpansionTests
{
    [Fact]
    public void Runs_are_named_after_pipeline_and_stage_and_refer_to_each_other()
    {
        var runs = PipelineExpansion.Runs(Read(Stages.Json));

        Assert.Equal(
            [("PretrainRun", "chain-text"), ("AlignRun", "chain-see"), ("SftRun", "chain-tune"), ("EvalRun", "chain-score")],
            runs.Select(run => (run.Kind, run.Metadata.Name)));
        Assert.Equal([null, "chain-text", "chain-see", "chain-tune"], runs.Select(run => run.Upstream?.Name));
        Assert.All(runs, run => Assert.Equal("team", run.Metadata.Namespace));
    }

    [Fact]
    public void Runs_say_which_pipeline_and_stage_they_are()
    {
        var run = PipelineExpansion.Runs(Read(Stages.Json))[1];

        Assert.Equal(
            new Dictionary<string, string> { ["visualpriors.dev/pipeline"] = "chain", ["visualpriors.dev/stage"] = "see" },
            run.Metadata.Labels!.ToDictionary());
    }

    [Fact]
    public void Runs_come_after_their_upstream_whatever_the_order_given()
    {
        var pipeline = Read(Stages.Json);
        pipeline = pipeline with { Spec = pipeline.Spec with { Stages = [.. pipeline.Spec.Stages.Reverse()] } };

        Assert.Equal(["text", "see", "tune", "score"], PipelineExpansion.Stages(pipeline).Select(stage => stage.Stage.Name));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void A_held_pipeline_holds_its_runs(bool held, bool expected)
    {
        var pipeline = Read(Stages.Json);
        pipeline = pipeline with { Spec = pipeline.Spec with { Suspend = held } };

        Assert.All(PipelineExpansion.Runs(pipeline), run => Assert.Equal(expected, run.Common.Suspend));
    }

    [Fact]
    public void Two_stages_may_fine_tune_one_after_the_other()
    {
        var pipeline = Read(Stages.Json.Replace(
            "{\"name\": \"tune\"",
            "{\"name\": \"again\", \"sft\": {\"from\": {\"kind\": \"SftRun\", \"name\": \"tune\"}, \"instructions\": \"instructions\"}}, {\"name\": \"tune\"",
            StringComparison.Ordinal));

        Assert.Equal(["chain-text", "chain-see", "chain-tune", "chain-again", "chain-score"], PipelineExpansion.Runs(pipeline).Select(run => run.Metadata.Name));
    }

    private static Pipeline Read(string json) =>
        ResourceReader.ReadPipeline(new ObjectMeta { Name = "chain", Namespace = "team" }, JsonDocument.Parse(json).RootElement);
}
