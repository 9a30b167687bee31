namespace VisualPriors.Models;

/// <summary>Shape of a vision transformer.</summary>
public sealed record VisionEncoderConfiguration
{
    /// <summary>Pixels along each side of an image; a multiple of <see cref="PatchSize"/>.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Pixels along each side of a patch.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of transformer blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of attention heads; divides <see cref="HiddenSize"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>Inner width of the feed-forward network.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>Added to the variance inside LayerNorm (SigLIP's and ViT's usual 1e-6).</summary>
    public double LayerNormEpsilon { get; init; } = 1e-6;

    /// <summary>Patches per image.</summary>
    public int Patches => ImageSize / PatchSize * (ImageSize / PatchSize);
}
