using System.Text.Json.Serialization;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>Trains a projector from a vision encoder's features to a decoder's embeddings; encoder and decoder stay frozen.</summary>
public sealed record AlignRun : Run
{
    /// <inheritdoc/>
    public override string Kind => "AlignRun";

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunReference? Upstream => Spec.From;

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunSpec Common => Spec;

    /// <inheritdoc/>
    [JsonIgnore]
    public override CheckpointSpec? Checkpoint => Spec.Checkpoint;

    /// <summary>What to train.</summary>
    public required AlignSpec Spec { get; init; }
}

/// <summary>Desired state of an <see cref="AlignRun"/>.</summary>
[ValidationRule(Expressions.ProcessesDivideBatch, Expressions.ProcessesDivideBatchMessage)]
[ValidationRule("self.training.maximumLength > self.visualTokens", "training.maximumLength must be more than the visualTokens of an image")]
public sealed record AlignSpec : RunSpec
{
    /// <summary>Seed of the projector's initialisation and the data order.</summary>
    [Immutable]
    public long Seed { get; init; } = 42;

    /// <summary>The decoder: a PretrainRun.</summary>
    [Immutable]
    [AllowedKinds("PretrainRun")]
    public required RunReference From { get; init; }

    /// <summary>Name of a prepared vision encoder (a folder below the data root).</summary>
    [Immutable]
    [Text(TextPatterns.DataName, TextPatterns.DataNameLength, TextPatterns.DataNameText)]
    public required string VisionEncoder { get; init; }

    /// <summary>Name of a prepared set of image-caption pairs.</summary>
    [Immutable]
    [Text(TextPatterns.DataName, TextPatterns.DataNameLength, TextPatterns.DataNameText)]
    public required string Captions { get; init; }

    /// <summary>
    /// Visual tokens per image: a square number; the encoder's patch features are resized to that grid bilinearly
    /// (paper.md 3: 576, a grid of 24 x 24).
    /// </summary>
    [Immutable]
    [Minimum(1)]
    [Maximum(4096)]
    [ValidationRule(Expressions.IsSquare, "visualTokens must be a square number: 1, 4, 9, 16 ...")]
    public int VisualTokens { get; init; } = 576;

    /// <summary>Length, batch and optimizer. Defaults are the paper's (paper.md 3).</summary>
    [Immutable]
    public AdaptationTrainingSpec Training { get; init; } = new()
    {
        Optimizer = new() { LearningRate = 1e-3, WarmupRatio = 0.06, MinimumLearningRateRatio = 0, Beta2 = 0.999 },
    };

    /// <summary>When to save, and what to keep.</summary>
    [Immutable]
    public CheckpointSpec Checkpoint { get; init; } = new();
}

/// <summary>Length, batch and optimizer of a stage that goes over an image-text set.</summary>
[ValidationRule(Expressions.MicroBatchDividesBatch, Expressions.MicroBatchDividesBatchMessage)]
public sealed record AdaptationTrainingSpec
{
    /// <summary>Passes over the set; a fraction trains on a part of one pass (paper.md 3: 1).</summary>
    [Minimum(0, Exclusive = true)]
    public double Epochs { get; init; } = 1;

    /// <summary>Samples per optimizer step (paper.md 3: 512).</summary>
    [Minimum(1)]
    public int GlobalBatchSize { get; init; } = 512;

    /// <summary>Samples per forward and backward pass of one process; divides its share of the global batch. Left out, that share at once.</summary>
    [Minimum(1)]
    public int? MicroBatchSize { get; init; }

    /// <summary>Longest sequence, visual tokens counted; a longer sample is an error, never cut (paper.md 3: 2048).</summary>
    [Minimum(1)]
    public int MaximumLength { get; init; } = 2048;

    /// <summary>What to do about losses that go wrong.</summary>
    public LossProtectionSpec LossProtection { get; init; } = new();

    /// <summary>Optimizer settings.</summary>
    public required OptimizerSpec Optimizer { get; init; }
}
