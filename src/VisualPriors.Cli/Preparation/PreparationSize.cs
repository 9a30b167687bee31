using VisualPriors.Api.Resources;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Models;

namespace VisualPriors.Cli.Preparation;

/// <summary>How much is prepared. Part of what decides whether prepared data can be reused.</summary>
internal sealed record PreparationSize
{
    /// <summary>What the quickstart prepares: the most that two cores make in a few minutes.</summary>
    public static PreparationSize Quickstart { get; } = new();

    /// <summary>Tokens in the vocabulary.</summary>
    public int VocabularySize { get; init; } = 4096;

    /// <summary>Share of every source's documents held out for validation.</summary>
    public double ValidationShare { get; init; } = 0.02;

    /// <summary>Image-caption pairs.</summary>
    public int Captions { get; init; } = 8_000;

    /// <summary>Instruction samples.</summary>
    public int Instructions { get; init; } = 30_000;

    /// <summary>Questions with a small, a medium and a large target.</summary>
    public IReadOnlyList<int> Questions { get; init; } = ExistenceBenchmarkWriter.PaperCounts;

    /// <summary>The vision encoder: about a million parameters.</summary>
    public VisionEncoderConfiguration Encoder { get; init; } = new()
    {
        ImageSize = 64,
        PatchSize = 8,
        HiddenSize = 128,
        Layers = 6,
        Heads = 2,
        FeedForwardSize = 512,
    };

    /// <summary>Steps of its contrastive training.</summary>
    public long EncoderSteps { get; init; } = 600;

    /// <summary>Scenes per step of it.</summary>
    public int EncoderBatchSize { get; init; } = 64;

    /// <summary>Its optimizer.</summary>
    public OptimizerSpec EncoderOptimizer { get; init; } = new()
    {
        LearningRate = 2e-3,
        WarmupRatio = 0.05,
        MinimumLearningRateRatio = 0,
        WeightDecay = 0.05,
    };
}
