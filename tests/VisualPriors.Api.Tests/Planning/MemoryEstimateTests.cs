using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Planning;

public sealed class MemoryEstimateTests
{
    /// <summary>All parameters are multiples of 64 elements, so that one process pads nothing.</summary>
    private static readonly DecoderDimensions Even = new() { Layers = 3, HiddenSize = 64, Heads = 1, KeyValueHeads = 1, FeedForwardSize = 64 };

    private static readonly GpuSpecification H100 = GpuSpecification.All["h100"];

    private const long Block = (3 * 64 * 64) + (64 * 64) + (3 * 64 * 64) + 128;
    private const long Embedding = 128 * 64;
    private const long Head = Embedding + 64;
    private const long Total = (3 * Block) + Embedding + Head;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void One_process_holds_everything_once_whatever_the_stage(int stage)
    {
        var memory = MemoryEstimate.Of(Setup(Even, stage, processes: 1));

        Assert.Equal((2 * Total, 4 * Total, 8 * Total, 4 * Total, 0), Exact(memory));
    }

    [Fact]
    public void Fp32_computes_with_four_bytes() =>
        Assert.Equal(4 * Total, MemoryEstimate.Of(Setup(Even, 0, 1) with { Compute = new() { Precision = Precision.Fp32 } }).Weights);

    [Fact]
    public void Zero_0_shares_nothing_out() =>
        Assert.Equal((2 * Total, 4 * Total, 8 * Total, 4 * Total, 0), Exact(MemoryEstimate.Of(Setup(Even, 0, processes: 2))));

    [Fact]
    public void Zero_1_shares_the_optimizer_state_out_and_keeps_all_gradients()
    {
        var (weights, masters, moments, gradients, buffers) = Exact(MemoryEstimate.Of(Setup(Even, 1, processes: 2)));

        // The head's 8,256 elements make two shards of 4,160 (a multiple of 64), the rest halves evenly.
        var shard = (3 * Block / 2) + (Embedding / 2) + 4160;
        Assert.Equal((2 * 2 * shard, 4 * shard, 8 * shard, 4 * (shard + (2 * shard)), 0), (weights, masters, moments, gradients, buffers));
    }

    [Fact]
    public void Zero_2_has_two_of_the_longest_units_gradients_instead()
    {
        var (_, masters, _, gradients, buffers) = Exact(MemoryEstimate.Of(Setup(Even, 2, processes: 2)));

        // Before and after reduction: two shards and one.
        Assert.Equal((masters, 2 * 4 * 3 * (Block / 2)), (gradients, buffers));
    }

    [Fact]
    public void Zero_3_has_blocks_in_shards_and_two_gathered()
    {
        var (weights, masters, _, gradients, buffers) = Exact(MemoryEstimate.Of(Setup(Even, 3, processes: 2)));

        Assert.Equal((2 * ((3 * Block / 2) + Embedding + (2 * 4160)), masters), (weights, gradients));
        Assert.Equal((2 * 4 * 3 * (Block / 2)) + (2 * 2 * Block), buffers);
    }

    [Fact]
    public void Shards_within_a_node_are_larger_than_over_all()
    {
        var within = Setup(Even, 1, 2) with { Compute = new() { Nodes = 4, ProcessesPerNode = 2, Sharding = new() { ZeroStage = 1, WithinNode = true } } };

        Assert.Equal(Exact(MemoryEstimate.Of(Setup(Even, 1, 2))), Exact(MemoryEstimate.Of(within)));
    }

    [Fact]
    public void Alignment_keeps_state_for_its_projector_alone()
    {
        var memory = MemoryEstimate.Of(Setup(DecoderPresets.All["3B"], 1, 1) with { Trains = TrainedParts.Projector });

        // [D, 768] and [D, D] with their biases, D = 3,072.
        Assert.Equal(4 * ((3072 * 768) + 3072 + (3072 * 3072) + 3072), memory.Masters);
        Assert.True(memory.Weights > 2 * 3_015_355_392L);
    }

    /// <summary>field-training.md 2.4: 12 bytes a parameter. Its 7B and 13B are Llama-2's shapes, its 1B TinyLlama's.</summary>
    [Theory]
    [InlineData(22, 2048, 32, 4, 5632, 13)]
    [InlineData(32, 4096, 32, 32, 11008, 81)]
    [InlineData(40, 5120, 40, 40, 13824, 156)]
    public void A_checkpoint_has_the_size_that_everybody_s_has(int layers, int width, int heads, int keyValueHeads, int inner, int gigabytes)
    {
        var shape = new DecoderDimensions { Layers = layers, HiddenSize = width, Heads = heads, KeyValueHeads = keyValueHeads, FeedForwardSize = inner };

        Assert.All([1, 8], processes => Assert.Equal(gigabytes, Math.Round(MemoryEstimate.CheckpointBytes(Setup(shape, 3, processes)) / 1e9)));
    }

    /// <summary>
    /// field-training.md 2.2: 3B fits one GPU of 80 GB only with short micro-batches; ZeRO 1 or 2 suffices to 7B on eight; 13B wants four
    /// GPUs at least. (Ours keeps fp32 gradients: 18 bytes a parameter where 16 are counted there.)
    /// </summary>
    [Theory]
    [InlineData("3B", 0, 1, 1, true)]
    [InlineData("3B", 0, 1, 8, false)]
    [InlineData("7B", 3, 1, 1, false)]
    [InlineData("7B", 0, 8, 1, false)]
    [InlineData("7B", 1, 8, 1, true)]
    [InlineData("7B", 2, 8, 2, true)]
    [InlineData("13B", 1, 8, 1, false)]
    [InlineData("13B", 3, 2, 1, false)]
    [InlineData("13B", 3, 8, 4, true)]
    public void What_fits_80_gigabytes_is_what_is_known_to(string preset, int stage, int gpus, int microBatchSize, bool fits) =>
        Assert.Equal(fits, MemoryEstimate.Of(Setup(DecoderPresets.All[preset], stage, gpus) with { MicroBatchSize = microBatchSize }).Fits(H100));

    [Fact]
    public void Activations_grow_with_the_micro_batch_and_shrink_when_they_are_computed_again()
    {
        var setup = Setup(DecoderPresets.All["7B"], 1, 8);
        long Activations(int size, bool recomputes) => MemoryEstimate.Of(
            setup with { MicroBatchSize = size, Compute = setup.Compute with { ActivationCheckpointing = recomputes } }).Activations;

        Assert.InRange(Activations(8, false), 7 * Activations(1, false), 8 * Activations(1, false));
        Assert.InRange(Activations(4, true), 1, Activations(4, false) / 8);
        // Every block's input at the least: 32 layers x 4 x 2,048 tokens x 4,096 channels in bf16.
        Assert.True(Activations(4, true) > 32L * 4 * 2048 * 4096 * 2);
    }

    [Fact]
    public void The_loss_keeps_logits_up_to_a_bound()
    {
        long Loss(int length) => MemoryEstimate.Of(Setup(Even, 1, 1) with { VocabularySize = 32_000, SequenceLength = length }).Loss;

        // 1,048 x 32,000 logits are within 2^25, 1,049 are not.
        Assert.True(Loss(1048) > 1048L * 32_000 * 2);
        Assert.True(Loss(1049) < Loss(1048));
    }

    private static (long, long, long, long, long) Exact(MemoryEstimate memory) =>
        (memory.Weights, memory.Masters, memory.Moments, memory.Gradients, memory.Communication);

    private static TrainingSetup Setup(DecoderDimensions model, int stage, int processes) => new()
    {
        Model = model,
        VocabularySize = model == Even ? 128 : DecoderPresets.PaperVocabularySize,
        SequenceLength = 2048,
        MicroBatchSize = 1,
        Compute = new() { ProcessesPerNode = processes, Sharding = new() { ZeroStage = stage } },
        Trains = TrainedParts.Decoder,
    };
}
