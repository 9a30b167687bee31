using VisualPriors.Data.ImageText;

namespace VisualPriors.Training.Batches;

/// <summary>
/// Samples that go through the model together, on the host. Targets are already shifted: <c>Targets[b, t]</c> is what the model is to
/// say after <c>Inputs[b, t]</c>, or <see cref="Ignore"/>.
/// </summary>
public sealed record MicroBatch
{
    /// <summary>Target of a position that is not supervised.</summary>
    public const int Ignore = LabelledSequence.Ignored;

    /// <summary>Samples.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Positions per sample, padding included.</summary>
    public required int Length { get; init; }

    /// <summary>Input tokens, [<see cref="BatchSize"/> x <see cref="Length"/>] row by row.</summary>
    public required long[] Inputs { get; init; }

    /// <summary>Target tokens, the same shape.</summary>
    public required long[] Targets { get; init; }

    /// <summary>Images in order of appearance, RGB rows; null for text alone.</summary>
    public byte[][]? Images { get; init; }

    /// <summary>Where every sample comes from, for messages.</summary>
    public required string[] Sources { get; init; }

    /// <summary>Number of targets that are not <see cref="Ignore"/>.</summary>
    public required int SupervisedTokens { get; init; }

    /// <summary>Number of input positions that are not padding.</summary>
    public required int Tokens { get; init; }
}
