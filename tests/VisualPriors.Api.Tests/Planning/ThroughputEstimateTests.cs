using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Planning;

public sealed class ThroughputEstimateTests
{
    private static readonly DecoderDimensions TinyLlama = new() { Layers = 22, HiddenSize = 2048, Heads = 32, KeyValueHeads = 4, FeedForwardSize = 5632 };
    private static readonly DecoderDimensions Llama7B = new() { Layers = 32, HiddenSize = 4096, Heads = 32, KeyValueHeads = 32, FeedForwardSize = 11008 };
    private static readonly DecoderDimensions Llama13B = new() { Layers = 40, HiddenSize = 5120, Heads = 40, KeyValueHeads = 40, FeedForwardSize = 13824 };

    public static TheoryData<DecoderDimensions, int, double> Published { get; } = new()
    {
        // field-training.md 2.2: GFLOP a token at two lengths. (Its 340M ties its embeddings, which changes nothing: the head is counted.)
        { DecoderPresets.All["340M"], 2048, 2.65 },
        { DecoderPresets.All["340M"], 4096, 3.25 },
        { TinyLlama, 2048, 7.31 },
        { TinyLlama, 4096, 8.42 },
        { new() { Layers = 26, HiddenSize = 3200, Heads = 32, KeyValueHeads = 32, FeedForwardSize = 8640 }, 2048, 22.0 },
        { Llama7B, 2048, 42.9 },
        { Llama7B, 4096, 46.1 },
        { Llama13B, 2048, 82.2 },
        { Llama13B, 4096, 87.2 },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void Flops_a_token_are_the_published_ones(DecoderDimensions model, int length, double gigaflops) =>
        Assert.Equal(gigaflops, Of(model, length).FlopsPerToken / 1e9, tolerance: 0.006 * gigaflops);

    [Fact]
    public void At_the_utilisation_that_is_assumed_speed_is_the_published_one()
    {
        // field-training.md 2.2's columns: H100 at 40 %, A100 at 50 %.
        Assert.Equal(54_000, Of(TinyLlama, 2048).TokensPerSecondPerGpu, tolerance: 500);
        Assert.Equal(4_800, Of(Llama13B, 2048).TokensPerSecondPerGpu, tolerance: 50);
        Assert.Equal(3_600, Of(Llama7B, 2048, "a100").TokensPerSecondPerGpu, tolerance: 50);
        Assert.Equal(8 * Of(Llama7B, 2048).TokensPerSecondPerGpu, Of(Llama7B, 2048).TokensPerSecond);
    }

    [Fact]
    public void Computing_again_takes_a_third_more_time_and_counts_for_nothing()
    {
        var (plain, again) = (Of(Llama7B, 2048), Of(Llama7B, 2048, recomputes: true));

        Assert.Equal(plain.FlopsPerToken, again.FlopsPerToken);
        Assert.Equal(plain.TokensPerSecond * 3 / 4, again.TokensPerSecond, tolerance: 1e-6);
    }

    [Fact]
    public void Time_is_known_where_tokens_are()
    {
        var speed = new ThroughputEstimate(1, 50, 100);

        Assert.Equal(TimeSpan.FromSeconds(10), speed.TimeFor(1000));
        Assert.Equal(TimeSpan.Zero, speed.TimeFor(0));
        Assert.Null(speed.TimeFor(null));
        Assert.Null(new ThroughputEstimate(1, 1e-9, 1e-9).TimeFor(long.MaxValue));
    }

    private static ThroughputEstimate Of(DecoderDimensions model, int length, string gpu = "h100", bool recomputes = false) => ThroughputEstimate.Of(
        new TrainingSetup
        {
            Model = model,
            VocabularySize = DecoderPresets.PaperVocabularySize,
            SequenceLength = length,
            MicroBatchSize = 1,
            Compute = new ComputeSpec { GpusPerNode = 8, ActivationCheckpointing = recomputes },
            Trains = TrainedParts.Decoder,
        },
        GpuSpecification.All[gpu]);
}
