using VisualPriors.Api.Manifests;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Tests.Manifests;

namespace VisualPriors.Api.Tests.Planning;

public sealed class RunEstimateTests : IDisposable
{
    private static readonly string[] Presets = ["340M", "7B"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_runs_own_model_comes_first_and_is_not_repeated()
    {
        Assert.Equal(["nano", "340M", "7B"], Of(Chain.Pretrain).Select(estimate => estimate.Preset));
        Assert.Equal(["7B", "340M"], Of(Chain.Pretrain.Replace("preset: nano", "preset: 7B", StringComparison.Ordinal)).Select(estimate => estimate.Preset));
        Assert.Equal([true, false, false], Of(Chain.Pretrain).Select(estimate => estimate.IsOwnModel));
    }

    [Fact]
    public void Tokens_are_whole_batches() => Assert.All(Of(Chain.Pretrain), estimate => Assert.Equal(3_002_368, estimate.Tokens));

    [Fact]
    public void Stages_after_it_have_its_decoder_and_no_tokens_without_data()
    {
        var manifest = Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.SecondSft);

        Assert.All([1, 2, 3], index =>
        {
            var estimate = Assert.Single(Of(manifest, index));
            Assert.Equal(("nano", null, null), (estimate.Preset, estimate.Tokens, estimate.Seconds));
        });
        Assert.True(Of(manifest, 1)[0].CheckpointBytes < Of(manifest, 2)[0].CheckpointBytes);
    }

    [Fact]
    public void The_lowest_stage_that_fits_has_the_largest_micro_batch_that_does()
    {
        // 16 GPUs with eight sequences each: 7B needs ZeRO 1 there, whatever is written, and has room for two at a time.
        var estimate = Of(Large(nodes: 2, global: 128, stage: 3)).Single(estimate => estimate.Preset == "7B");

        Assert.Equal((3, 8, true), (estimate.AsWritten.ZeroStage, estimate.AsWritten.MicroBatchSize, estimate.AsWritten.ActivationCheckpointing));
        Assert.Null(estimate.OtherCheckpointing);
        Assert.Equal((1, 2, false, true), (estimate.Cheapest!.ZeroStage, estimate.Cheapest.MicroBatchSize, estimate.Cheapest.ActivationCheckpointing, estimate.Cheapest.Fits));
    }

    [Fact]
    public void A_micro_batch_that_is_written_is_a_bound()
    {
        var manifest = Large(nodes: 1, global: 1024, stage: 1).Replace("globalBatchSize: 1024", "globalBatchSize: 1024\n    microBatchSize: 4", StringComparison.Ordinal);

        var estimate = Of(manifest).Single(estimate => estimate.Preset == "340M");

        Assert.Equal((0, 4), (estimate.Cheapest!.ZeroStage, estimate.Cheapest.MicroBatchSize));
        Assert.True(estimate.OtherCheckpointing!.ActivationCheckpointing);
    }

    [Fact]
    public void Where_nothing_fits_there_is_no_cheapest()
    {
        var estimate = Of(Chain.Pretrain).Single(estimate => estimate.Preset == "7B");

        Assert.Null(estimate.Cheapest);
        Assert.False(estimate.AsWritten.Fits);
        Assert.True(estimate.Throughput.TokensPerSecond > 0);
    }

    private static string Large(int nodes, int global, int stage) => Chain.Pretrain
        .Replace("sequenceLength: 256", "sequenceLength: 2048", StringComparison.Ordinal)
        .Replace("globalBatchSize: 16", $"globalBatchSize: {global}", StringComparison.Ordinal)
        + $"  compute: {{nodes: {nodes}, gpusPerNode: 8, sharding: {{zeroStage: {stage}}}}}\n";

    private List<RunEstimate> Of(string yaml, int index = 0)
    {
        var runs = ManifestReader.Read(_folder.Write("manifest.yaml", yaml)).Runs;
        return [.. RunEstimate.Of(runs[index], runs, 32_000, Presets, GpuSpecification.All["h100"])];
    }
}
