using VisualPriors.Api.Manifests;
using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Tests.Manifests;

namespace VisualPriors.Api.Tests.Plans;

public sealed class StagePlannerTests : IDisposable
{
    private static readonly Dictionary<string, DataSet> Data = new[] { "corpus", "vision-encoder", "captions", "instructions", "mle-bench" }
        .ToDictionary(name => name, name => new DataSet($"/data/{name}", $"digest-of-{name}"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Stages_come_after_their_upstream_whatever_the_files_order()
    {
        var stages = Plan(Chain.Of(Chain.Eval, Chain.SecondSft, Chain.Sft, Chain.Align, Chain.Pretrain));

        Assert.Equal(["decoder", "aligned", "tuned", "scored", "tuned-again"], stages.Select(stage => stage.Plan.Run));
    }

    [Fact]
    public void A_chains_inputs_are_data_by_content_and_stages_by_digest()
    {
        var stages = Plan(Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.SecondSft, Chain.Eval));
        var (pretrain, align, sft) = (stages[0].Digest, stages[1].Digest, stages[2].Digest);

        Assert.Equal(Inputs(("corpus", "digest-of-corpus")), stages[0].Plan.Computation.Inputs);
        Assert.Equal(
            Inputs(("captions", "digest-of-captions"), ("language-model", pretrain), ("vision-encoder", "digest-of-vision-encoder")),
            stages[1].Plan.Computation.Inputs);
        Assert.Equal(
            Inputs(("instructions", "digest-of-instructions"), ("language-model", pretrain), ("projector", align), ("vision-encoder", "digest-of-vision-encoder")),
            stages[2].Plan.Computation.Inputs);
        Assert.Equal(
            Inputs(("instructions", "digest-of-instructions"), ("language-model", sft), ("projector", sft), ("vision-encoder", "digest-of-vision-encoder")),
            stages[3].Plan.Computation.Inputs);
        Assert.Equal(
            Inputs(("language-model", sft), ("projector", sft), ("suite-0", "digest-of-mle-bench"), ("vision-encoder", "digest-of-vision-encoder")),
            stages[4].Plan.Computation.Inputs);
    }

    [Fact]
    public void Every_input_is_placed()
    {
        var stages = Plan(Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft));

        Assert.Equal($"/out/stages/{stages[0].Digest}", stages[0].Plan.Placement.Output);
        Assert.Equal(
            Inputs(
                ("instructions", "/data/instructions"),
                ("language-model", $"/out/stages/{stages[0].Digest}"),
                ("projector", $"/out/stages/{stages[1].Digest}"),
                ("vision-encoder", "/data/vision-encoder")),
            stages[2].Plan.Placement.Inputs);
    }

    [Fact]
    public void A_change_reaches_everything_after_it_and_nothing_before()
    {
        var documents = new[] { Chain.Pretrain, Chain.Align, Chain.Sft, Chain.Eval };
        var before = Plan(Chain.Of(documents));

        var after = Plan(Chain.Of(documents).Replace("captions: captions", "captions: captions\n  seed: 7", StringComparison.Ordinal));

        Assert.Equal([true, false, false, false], before.Zip(after, (a, b) => a.Digest == b.Digest));
    }

    [Theory]
    [InlineData("preset: nano", "dimensions: {layers: 4, hiddenSize: 256, heads: 4, keyValueHeads: 2, feedForwardSize: 704}")]
    [InlineData("web-crawl: 40\n      code: 35.5", "code: 35.500\n      web-crawl: 40.0")]
    [InlineData("name: decoder", "name: another")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    sequenceLength: 256")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  compute: {threads: 2}")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  compute: {nodes: 2, gpusPerNode: 4, sharding: {zeroStage: 3, withinNode: true}, activationCheckpointing: true}")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  compute: {processesPerNode: 4}")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  checkpoint: {everySteps: 7, keepLast: 5, keepEverySteps: 100}")]
    public void What_changes_no_result_changes_no_digest(string one, string other)
    {
        var yaml = Chain.Pretrain.Replace("    sequenceLength: 256\n", other.Contains("sequenceLength", StringComparison.Ordinal) ? "" : "    sequenceLength: 256\n", StringComparison.Ordinal);

        Assert.Equal(Plan(Chain.Pretrain)[0].Digest, Plan(yaml.Replace(one, other, StringComparison.Ordinal))[0].Digest);
    }

    [Theory]
    [InlineData("preset: nano", "preset: 340M")]
    [InlineData("code: 35.5", "code: 35.500001")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  seed: 9007199254740993")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n  compute: {precision: fp32}")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    lossProtection: {maximumSkippedSteps: 5}")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    lossProtection: {spikeDeviations: 6}")]
    public void What_changes_the_result_changes_the_digest(string one, string other) =>
        Assert.NotEqual(Plan(Chain.Pretrain)[0].Digest, Plan(Chain.Pretrain.Replace(one, other, StringComparison.Ordinal))[0].Digest);

    [Fact]
    public void Large_seeds_that_a_double_cannot_tell_apart_have_digests_of_their_own()
    {
        Assert.NotEqual(
            Plan(Chain.Pretrain + "  seed: 9007199254740992\n")[0].Digest,
            Plan(Chain.Pretrain + "  seed: 9007199254740993\n")[0].Digest);
    }

    /// <summary>
    /// A digest names artifacts on disk: when this fails, either restore what changed or raise <see cref="StagePlan.CurrentVersion"/>.
    /// </summary>
    [Fact]
    public void A_digest_is_the_same_in_every_release()
    {
        Assert.Equal("0139689e51711a53a54827c5cbd693508591312615f0c5b7019a996f4180aee2", Plan(Chain.Pretrain)[0].Digest);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4096, 1)]
    [InlineData(4097, 2)]
    [InlineData(long.MaxValue, 2251799813685248)]
    public void Pretraining_rounds_its_tokens_up_to_whole_batches(long tokens, long steps) =>
        Assert.Equal(steps, StageSteps.Of(new() { Tokens = tokens, SequenceLength = 256, GlobalBatchSize = 16 }));

    [Theory]
    [InlineData(1, 8, 1)]
    [InlineData(1, 9, 2)]
    [InlineData(2, 9, 3)]
    [InlineData(0.5, 17, 2)]
    public void Adaptation_rounds_its_passes_up_to_whole_batches(double epochs, long samples, long steps) =>
        Assert.Equal(steps, StageSteps.Of(new() { Epochs = epochs, GlobalBatchSize = 8, Optimizer = new() { LearningRate = 1 } }, samples));

    [Fact]
    public void A_plan_says_all_of_the_models_shape() =>
        Assert.Equal(DecoderPresets.All["nano"], Assert.IsType<PretrainComputation>(Plan(Chain.Pretrain)[0].Plan.Computation).Model);

    private static Dictionary<string, string> Inputs(params (string Role, string Value)[] inputs) => inputs.ToDictionary(input => input.Role, input => input.Value);

    private IReadOnlyList<PlannedStage> Plan(string yaml) =>
        StagePlanner.Plan(ManifestReader.Read(_folder.Write("manifest.yaml", yaml)).Runs, Data, StagePlaces.InFolder("/out"));
}
