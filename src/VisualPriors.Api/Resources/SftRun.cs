using System.Text.Json.Serialization;

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
public sealed record SftSpec : RunSpec
{
    /// <summary>Seed of the data order.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>The multimodal model to start from: an AlignRun or an SftRun.</summary>
    public required RunReference From { get; init; }

    /// <summary>Name of a prepared set of instructions.</summary>
    public required string Instructions { get; init; }

    /// <summary>Withhold the images (paper.md 3.2, blind visual instruction tuning).</summary>
    public bool Blind { get; init; }

    /// <summary>Length, batch and optimizer. Defaults are the paper's (paper.md 3).</summary>
    public AdaptationTrainingSpec Training { get; init; } = new()
    {
        Optimizer = new() { LearningRate = 4e-5, WarmupRatio = 0.03, MinimumLearningRateRatio = 0, Beta2 = 0.999 },
    };

    /// <summary>When to save, and what to keep.</summary>
    public CheckpointSpec Checkpoint { get; init; } = new();
}
