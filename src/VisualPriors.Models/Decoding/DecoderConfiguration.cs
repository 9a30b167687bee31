using VisualPriors.Api.Models;

namespace VisualPriors.Models;

/// <summary>Everything that decides a decoder's tensors.</summary>
public sealed record DecoderConfiguration
{
    /// <summary>Its shape.</summary>
    public required DecoderDimensions Dimensions { get; init; }

    /// <summary>Rows of the embedding and of the output head, which are not tied.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of one attention head.</summary>
    public int HeadSize => Dimensions.HiddenSize / Dimensions.Heads;

    /// <summary>Width of all key (or value) heads together.</summary>
    public int KeyValueSize => HeadSize * Dimensions.KeyValueHeads;
}
