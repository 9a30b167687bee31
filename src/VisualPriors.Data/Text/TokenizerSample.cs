using VisualPriors.Data.Text.Sources;

namespace VisualPriors.Data.Text;

/// <summary>The part of all documents that a tokenizer is trained on.</summary>
public static class TokenizerSample
{
    /// <summary>
    /// Most UTF-8 bytes taken from one source. Equal shares, so that a large source does not crowd out the words of a small one; some
    /// 10 MB of six sources settle a vocabulary of 4096.
    /// </summary>
    public const long MaximumBytesPerSource = 2_000_000;

    /// <summary>Documents spread evenly over every source.</summary>
    public static IReadOnlyList<string> Take(IReadOnlyList<TextDocument> documents) =>
        [.. documents
            .GroupBy(document => document.Source, document => document.Text, StringComparer.Ordinal)
            .SelectMany(source => EvenSelection.Take([.. source], MaximumBytesPerSource))];
}
