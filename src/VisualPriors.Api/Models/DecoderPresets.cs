namespace VisualPriors.Api.Models;

/// <summary>
/// The decoder shapes that a manifest can name. The five scales are the paper's; it prints no dimensions, so they are
/// INFERRED from flame's and Llama's configurations (paper.md 1.2). All have untied embeddings and no biases.
/// </summary>
public static class DecoderPresets
{
    /// <summary>Vocabulary the paper's parameter counts are given at (paper.md 1).</summary>
    public const int PaperVocabularySize = 32_000;

    /// <summary>Every preset by the name a manifest uses.</summary>
    public static IReadOnlyDictionary<string, DecoderDimensions> All { get; } = new Dictionary<string, DecoderDimensions>(StringComparer.Ordinal)
    {
        // About 5M parameters at the quickstart's vocabulary of 4,096: small enough to learn on two CPU cores (ours, not the paper's).
        ["nano"] = new() { Layers = 4, HiddenSize = 256, Heads = 4, KeyValueHeads = 2, FeedForwardSize = 704 },
        ["340M"] = new() { Layers = 24, HiddenSize = 1024, Heads = 16, KeyValueHeads = 16, FeedForwardSize = 2816 },
        ["1B"] = new() { Layers = 24, HiddenSize = 2048, Heads = 32, KeyValueHeads = 32, FeedForwardSize = 5632 },
        ["3B"] = new() { Layers = 28, HiddenSize = 3072, Heads = 24, KeyValueHeads = 8, FeedForwardSize = 8192 },
        ["7B"] = new() { Layers = 32, HiddenSize = 4096, Heads = 32, KeyValueHeads = 8, FeedForwardSize = 14336 },
        ["13B"] = new() { Layers = 40, HiddenSize = 5120, Heads = 40, KeyValueHeads = 40, FeedForwardSize = 13824 },
    };
}
