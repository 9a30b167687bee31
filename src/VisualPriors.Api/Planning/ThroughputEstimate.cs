namespace VisualPriors.Api.Planning;

/// <summary>How fast a set-up trains: an estimate, from the FLOPs of the model and an assumed share of the GPU's peak.</summary>
/// <param name="FlopsPerToken">FLOPs of forward and backward pass for one token.</param>
/// <param name="TokensPerSecondPerGpu">Tokens that one GPU trains on in a second.</param>
/// <param name="TokensPerSecond">Tokens that all GPUs train on in a second.</param>
public sealed record ThroughputEstimate(double FlopsPerToken, double TokensPerSecondPerGpu, double TokensPerSecond)
{
    /// <summary>Estimates a set-up on a GPU.</summary>
    public static ThroughputEstimate Of(TrainingSetup setup, GpuSpecification gpu)
    {
        var flops = FlopsOf(setup);
        // Utilisation counts the model's own FLOPs: a forward pass that is done again takes its time and counts for nothing.
        var perGpu = gpu.Utilisation * gpu.PeakFlops / (setup.Recomputes ? flops * 4 / 3 : flops);
        return new ThroughputEstimate(flops, perGpu, perGpu * setup.Compute.WorldSize);
    }

    /// <summary>Time for a number of tokens; null where it is not known.</summary>
    public TimeSpan? TimeFor(long? tokens) =>
        tokens is { } count && count / TokensPerSecond is var seconds && seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>
    /// 6 FLOPs a token for every parameter but the embedding's, and 12 for every layer, channel and position of attention (causality not
    /// counted, as nanoGPT and torchtitan do). A frozen decoder needs no gradients of its weights: 4 instead of 6.
    /// </summary>
    private static double FlopsOf(TrainingSetup setup)
    {
        var decoder = DecoderSize.Of(setup.Model, setup.VocabularySize);
        var perParameter = setup.Trains == TrainedParts.Projector ? 4.0 : 6.0;
        return (perParameter * decoder.WithoutEmbedding) + (12.0 * setup.Model.Layers * setup.Model.HiddenSize * setup.SequenceLength);
    }
}
