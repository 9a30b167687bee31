using VisualPriors.Api.Models;

namespace VisualPriors.Api.Planning;

/// <summary>Parameters of a decoder, counted exactly, by the parts that a trainer's optimizer treats as one.</summary>
/// <param name="Embedding">Elements of the embedding's parameters.</param>
/// <param name="Block">Elements of each parameter of one block.</param>
/// <param name="Layers">Number of blocks.</param>
/// <param name="Head">Elements of the last norm and of the output head.</param>
public sealed record DecoderSize(IReadOnlyList<long> Embedding, IReadOnlyList<long> Block, int Layers, IReadOnlyList<long> Head)
{
    /// <summary>Counts a decoder: untied embedding and head, no biases.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="vocabularySize">Rows of the embedding and of the head.</param>
    /// <exception cref="OverflowException">There are more than a long counts.</exception>
    public static DecoderSize Of(DecoderDimensions shape, int vocabularySize)
    {
        checked
        {
            var (width, inner) = ((long)shape.HiddenSize, (long)shape.FeedForwardSize);
            var keyValueWidth = width / shape.Heads * shape.KeyValueHeads;
            return new DecoderSize(
                [vocabularySize * width],
                [(width + (2 * keyValueWidth)) * width, width * width, 2 * inner * width, width * inner, width, width],
                shape.Layers,
                [vocabularySize * width, width]);
        }
    }

    /// <summary>Parameters in all.</summary>
    public long Total => checked(Embedding.Sum() + (Layers * Block.Sum()) + Head.Sum());

    /// <summary>Parameters that take part in a matrix product: all but the embedding, which is looked up in.</summary>
    public long WithoutEmbedding => Total - Embedding.Sum();
}
