using VisualPriors.Api.Resources;
using VisualPriors.Training.Batches;
using static TorchSharp.torch;

namespace VisualPriors.Training.Loops;

/// <summary>What the loop needs to know of a stage.</summary>
internal sealed record TrainingTask
{
    /// <summary>Optimizer steps in all.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Learning rate schedule and AdamW settings.</summary>
    public required OptimizerSpec Optimizer { get; init; }

    /// <summary>What to do about losses that go wrong.</summary>
    public LossProtectionSpec LossProtection { get; init; } = new();

    /// <summary>This rank's micro-batches of a global batch (counted from 0): a pure function, called on another thread.</summary>
    public required Func<long, MicroBatch[]> Load { get; init; }

    /// <summary>Summed loss of every sample of a micro-batch, [samples] fp32, with gradients to the trainable parameters.</summary>
    public required Func<MicroBatch, Tensor> SampleLosses { get; init; }

    /// <summary>Whether there is a validation after a number of steps; the same on every rank.</summary>
    public Func<long, bool> IsValidationDue { get; init; } = _ => false;

    /// <summary>Takes a validation; every rank does, and gets the same. Asked for only when one is due.</summary>
    public Func<ValidationResult> Validate { get; init; } = () => throw new InvalidOperationException("nothing to validate");
}

/// <summary>Validation losses in nats per token.</summary>
internal sealed record ValidationResult(double Loss, IReadOnlyDictionary<string, double> LossBySource);
