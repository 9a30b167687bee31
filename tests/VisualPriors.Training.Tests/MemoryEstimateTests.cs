using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests;

/// <summary>What `vp plan` foretells is what the optimizer allocates.</summary>
public sealed class MemoryEstimateTests
{
    [Theory]
    [InlineData("nano", 1)]
    [InlineData("nano", 3)]
    [InlineData("3B", 8)]
    [InlineData("13B", 64)]
    public void Masters_and_moments_are_the_shards_of_all_units(string preset, int ranks)
    {
        var configuration = new DecoderConfiguration { Dimensions = DecoderPresets.All[preset], VocabularySize = DecoderPresets.PaperVocabularySize };
        using var decoder = new Decoder(configuration, new Device(TorchSharp.DeviceType.META), ScalarType.BFloat16);
        var shard = TrainedUnits.Of(decoder, "")
            .Sum(unit => FlatLayout.Of(unit.Parameters.Select(p => (p.Name, p.Value.numel(), p.Decay))).ShardLength(ranks));

        var estimate = MemoryEstimate.Of(Setup(preset, ranks));

        Assert.Equal(4 * shard, estimate.Masters);
        Assert.Equal(8 * shard, estimate.Moments);
    }

    private static TrainingSetup Setup(string preset, int ranks) => new()
    {
        Model = DecoderPresets.All[preset],
        VocabularySize = DecoderPresets.PaperVocabularySize,
        SequenceLength = 128,
        MicroBatchSize = 1,
        Compute = new ComputeSpec { GpusPerNode = ranks, Sharding = new ShardingSpec { ZeroStage = 2 } },
        Trains = TrainedParts.Decoder,
    };
}
