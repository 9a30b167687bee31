using System.Text.Json.Serialization;
using VisualPriors.Api.Json;
using VisualPriors.Api.Models;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>Trains a decoder from random initialisation on a mixture of text sources.</summary>
public sealed record PretrainRun : Run
{
    /// <inheritdoc/>
    public override string Kind => "PretrainRun";

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunReference? Upstream => null;

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunSpec Common => Spec;

    /// <inheritdoc/>
    [JsonIgnore]
    public override CheckpointSpec? Checkpoint => Spec.Checkpoint;

    /// <summary>What to train.</summary>
    public required PretrainSpec Spec { get; init; }
}

/// <summary>Desired state of a <see cref="PretrainRun"/>.</summary>
[ValidationRule(Expressions.ProcessesDivideBatch, Expressions.ProcessesDivideBatchMessage)]
public sealed record PretrainSpec : RunSpec
{
    /// <summary>Seed of initialisation and data order (paper.md 1: 42 everywhere).</summary>
    [Immutable]
    public long Seed { get; init; } = 42;

    /// <summary>The decoder.</summary>
    [Immutable]
    public required ModelSpec Model { get; init; }

    /// <summary>The text to read.</summary>
    [Immutable]
    public required PretrainDataSpec Data { get; init; }

    /// <summary>Length, batch and optimizer.</summary>
    [Immutable]
    public required PretrainTrainingSpec Training { get; init; }

    /// <summary>When to save, and what to keep.</summary>
    [Immutable]
    public CheckpointSpec Checkpoint { get; init; } = new();
}

/// <summary>A decoder's shape: a preset's name or explicit dimensions, one of the two.</summary>
[ValidationRule("has(self.preset) != has(self.dimensions)", "model must have one of preset and dimensions")]
public sealed record ModelSpec
{
    /// <summary>Name of a shape: the paper's five scales, or nano, small enough for two CPU cores.</summary>
    [OneOf("nano", "340M", "1B", "3B", "7B", "13B")]
    public string? Preset { get; init; }

    /// <summary>Explicit dimensions.</summary>
    public DecoderDimensions? Dimensions { get; init; }
}

/// <summary>A prepared corpus and the weights over its sources.</summary>
public sealed record PretrainDataSpec
{
    /// <summary>Name of a prepared corpus (a folder below the data root).</summary>
    [Text(TextPatterns.DataName, TextPatterns.DataNameLength, TextPatterns.DataNameText)]
    public required string Corpus { get; init; }

    /// <summary>Weight by source name; they are normalised, so percentages and shares both work. At most six decimals each.</summary>
    [ItemCount(1, 64, "source")]
    [Minimum(0)]
    [Maximum(1_000_000)]
    [ValidationRule("self.exists(source, self[source] > 0.0)", "mixture must have at least one source with a weight above 0")]
    [ValidationRule(Expressions.SixDecimals, "mixture must have weights of at most six decimals")]
    public required IReadOnlyDictionary<string, decimal> Mixture { get; init; }
}

/// <summary>Length, batch and optimizer of pre-training.</summary>
[ValidationRule(Expressions.MicroBatchDividesBatch, Expressions.MicroBatchDividesBatchMessage)]
public sealed record PretrainTrainingSpec
{
    /// <summary>Tokens to train on; rounded up to whole global batches. 0 gives the randomly initialised decoder (paper.md E1's 0B column).</summary>
    [Minimum(0)]
    public required long Tokens { get; init; }

    /// <summary>Context length (paper.md 1: 2048).</summary>
    [Minimum(1)]
    public int SequenceLength { get; init; } = 2048;

    /// <summary>Sequences per optimizer step (paper.md 1: 1024).</summary>
    [Minimum(1)]
    public int GlobalBatchSize { get; init; } = 1024;

    /// <summary>Sequences per forward and backward pass of one process; divides its share of the global batch. Left out, that share at once.</summary>
    [Minimum(1)]
    public int? MicroBatchSize { get; init; }

    /// <summary>Optimizer settings. Defaults are flame's (paper.md 1.1).</summary>
    public OptimizerSpec Optimizer { get; init; } = new() { LearningRate = 3e-4, WarmupSteps = 1024, WeightDecay = 0.1, Epsilon = 1e-15 };

    /// <summary>What to do about losses that go wrong.</summary>
    public LossProtectionSpec LossProtection { get; init; } = new();

    /// <summary>How validation loss is taken.</summary>
    public ValidationSpec Validation { get; init; } = new();
}

/// <summary>Validation on held-out text, drawn from the sources by the mixture's own weights.</summary>
public sealed record ValidationSpec
{
    /// <summary>Steps between validations; one is always taken after the last step. 0 means only that one.</summary>
    [Minimum(0)]
    public int EverySteps { get; init; } = 500;

    /// <summary>Sequences per validation, shared out over the sources by weight (at least one for each source drawn from).</summary>
    [Minimum(1)]
    public int Sequences { get; init; } = 256;
}

/// <summary>AdamW with linear warm-up, cosine decay and gradient clipping.</summary>
[ValidationRule(Expressions.OneWarmup, "optimizer must have one of warmupSteps and warmupRatio above 0, not both")]
public sealed record OptimizerSpec
{
    /// <summary>Peak learning rate.</summary>
    [Minimum(0, Exclusive = true)]
    public required double LearningRate { get; init; }

    /// <summary>Steps of linear warm-up; at most one of this and <see cref="WarmupRatio"/> is above zero.</summary>
    [AlternativeTo(nameof(WarmupRatio))]
    [Minimum(0)]
    public int WarmupSteps { get; init; }

    /// <summary>Warm-up as a share of all steps.</summary>
    [AlternativeTo(nameof(WarmupSteps))]
    [Minimum(0)]
    [Maximum(1)]
    public double WarmupRatio { get; init; }

    /// <summary>Learning rate at the end of the cosine, as a share of the peak (paper.md 1.1: 10 % in flame; 0 in Cambrian's stages).</summary>
    [Minimum(0)]
    [Maximum(1)]
    public double MinimumLearningRateRatio { get; init; } = 0.1;

    /// <summary>First moment's decay (paper.md 1.1: 0.9).</summary>
    [Minimum(0)]
    [Maximum(1, Exclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Second moment's decay (paper.md 1.1: 0.95).</summary>
    [Minimum(0)]
    [Maximum(1, Exclusive = true)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the denominator.</summary>
    [Minimum(0, Exclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay; not applied to norms.</summary>
    [Minimum(0)]
    public double WeightDecay { get; init; }

    /// <summary>Global gradient norm above which gradients are scaled down (paper.md 1.1: 1.0); 0 turns clipping off.</summary>
    [Minimum(0)]
    public double GradientClip { get; init; } = 1.0;
}
