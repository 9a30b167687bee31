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

    /// <summary>
    /// Categories and subcategories of things that scenes show: animals, plants, food and vehicles. Three minutes of training tell some
    /// three hundred things apart well; all of the catalogue's seven hundred it learns to tell apart only roughly (52 against 62 % of
    /// four-choice questions right after one minute).
    /// </summary>
    public IReadOnlyList<string> ThingGroups { get; init; } =
        ["Animals & Nature", "Food & Drink", "transport-ground", "transport-air", "transport-water"];

    /// <summary>Image-caption pairs.</summary>
    public int Captions { get; init; } = 8_000;

    /// <summary>Instruction samples.</summary>
    public int Instructions { get; init; } = 40_000;

    /// <summary>Questions with a small, a medium and a large target.</summary>
    public IReadOnlyList<int> Questions { get; init; } = ExistenceBenchmarkWriter.PaperCounts;

    /// <summary>The vision encoder: about three million parameters, as many patches as the quickstart has visual tokens.</summary>
    public VisionEncoderConfiguration Encoder { get; init; } = new()
    {
        ImageSize = 64,
        PatchSize = 16,
        HiddenSize = 256,
        Layers = 4,
        Heads = 4,
        FeedForwardSize = 1024,
    };

    /// <summary>Steps of its contrastive training.</summary>
    public long EncoderSteps { get; init; } = 2_600;

    /// <summary>Scenes per step of it.</summary>
    public int EncoderBatchSize { get; init; } = 64;

    /// <summary>Its optimizer.</summary>
    public OptimizerSpec EncoderOptimizer { get; init; } = new()
    {
        LearningRate = 1e-3,
        WarmupRatio = 0.05,
        MinimumLearningRateRatio = 0,
        WeightDecay = 0.05,
        Beta2 = 0.99,
    };
}
