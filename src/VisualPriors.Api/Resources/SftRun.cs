using System.Text.Json.Serialization;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>Instruction-tunes projector and decoder; the vision encoder stays frozen.</summary>
public sealed record SftRun : Run
{
    /// <inheritdoc/>
    public override string Kind => "SftRun";

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
    public required SftSpec Spec { get; init; }
}

/// <summary>Desired state of an <see cref="SftRun"/>.</summary>
[ValidationRule(Expressions.ProcessesDivideBatch, Expressions.ProcessesDivideBatchMessage)]
public sealed record SftSpec : RunSpec
{
    /// <summary>Seed of the data order.</summary>
    [Immutable]
    public long Seed { get; init; } = 42;

    /// <summary>The multimodal model to start from: an AlignRun or an SftRun.</summary>
    [Immutable]
    [AllowedKinds("AlignRun", "SftRun")]
    public required RunReference From { get; init; }

    /// <summary>Name of a prepared set of instructions.</summary>
    [Immutable]
    [Text(TextPatterns.DataName, TextPatterns.DataNameLength, TextPatterns.DataNameText)]
    public required string Instructions { get; init; }

    /// <summary>Withhold the images (paper.md 3.2, blind visual instruction tuning).</summary>
    [Immutable]
    public bool Blind { get; init; }

    /// <summary>Length, batch and optimizer. Defaults are the paper's (paper.md 3).</summary>
    [Immutable]
    public AdaptationTrainingSpec Training { get; init; } = new()
    {
        Optimizer = new() { LearningRate = 4e-5, WarmupRatio = 0.03, MinimumLearningRateRatio = 0, Beta2 = 0.999 },
    };

    /// <summary>When to save, and what to keep.</summary>
    [Immutable]
    public CheckpointSpec Checkpoint { get; init; } = new();
}
