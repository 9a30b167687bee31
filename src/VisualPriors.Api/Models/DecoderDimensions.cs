using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Models;

/// <summary>Shape of a Llama-style decoder, apart from its vocabulary (which the tokenizer decides).</summary>
[ValidationRule(Expressions.HeadsDivideWidth, "heads must divide hiddenSize and leave heads of even width")]
[ValidationRule(Expressions.KeyValueHeadsDivideHeads, "keyValueHeads must divide heads")]
public sealed record DecoderDimensions
{
    /// <summary>Number of transformer blocks.</summary>
    [Minimum(1)]
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [Minimum(1)]
    public required int HiddenSize { get; init; }

    /// <summary>Number of query heads; divides <see cref="HiddenSize"/>.</summary>
    [Minimum(1)]
    public required int Heads { get; init; }

    /// <summary>Number of key and value heads (grouped-query attention); divides <see cref="Heads"/>.</summary>
    [Minimum(1)]
    public required int KeyValueHeads { get; init; }

    /// <summary>Inner width of the SwiGLU feed-forward network.</summary>
    [Minimum(1)]
    public required int FeedForwardSize { get; init; }

    /// <summary>Base of the rotary position embedding's wavelengths (paper.md 1.2: 10,000 in flame).</summary>
    [Minimum(0, Exclusive = true)]
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Added to the mean square inside RMSNorm (paper.md 1.2: 1e-6).</summary>
    [Minimum(0, Exclusive = true)]
    public double RmsNormEpsilon { get; init; } = 1e-6;
}
