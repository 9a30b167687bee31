using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// A decoder that sees: a frozen vision encoder's features, carried by a projector, stand in the token sequence where the image is.
/// Shapes in comments: B sequences, T positions, N images, S pixels a side, D decoder width.
/// </summary>
public sealed class MultimodalModel(VisionEncoder encoder, Projector projector, Decoder decoder) : IDisposable
{
    /// <summary>Stands in a token sequence once for every visual token (LLaVA's convention).</summary>
    public const long ImageToken = -200;

    /// <summary>Sees. Never trained here (paper.md 3).</summary>
    public VisionEncoder Encoder => encoder;

    /// <summary>Translates.</summary>
    public Projector Projector => projector;

    /// <summary>Speaks.</summary>
    public Decoder Decoder => decoder;

    /// <summary>Embeds sequences of text and images, differentiable with respect to projector and token embedding.</summary>
    /// <param name="tokens">[B, T] int64; runs of <see cref="ImageToken"/>, as many as the projector has visual tokens, stand for an image.</param>
    /// <param name="images">[N, 3, S, S] normalised, in the order in which they stand in the sequences; null when there is none.</param>
    /// <returns>[B, T, D].</returns>
    public Tensor Embed(Tensor tokens, Tensor? images)
    {
        var text = decoder.Embed(tokens.AtLeastZero());
        if (images is null)
        {
            return text;
        }

        Tensor features;
        using (no_grad())
        {
            features = encoder.Forward(images);
        }

        var visual = projector.Forward(features).to(text.dtype); // [N, visual tokens, D]
        var isVisual = tokens.Is(ImageToken).unsqueeze(-1).expand_as(text);
        return text.masked_scatter(isVisual, visual);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        encoder.Dispose();
        projector.Dispose();
        decoder.Dispose();
    }
}
