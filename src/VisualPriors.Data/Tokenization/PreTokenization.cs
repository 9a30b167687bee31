using System.Text.RegularExpressions;

namespace VisualPriors.Data.Tokenization;

/// <summary>How text is cut into words before BPE; no token crosses a cut.</summary>
/// <remarks>
/// .NET's expressions look at UTF-16: letters beyond the first plane (mathematical alphabets, say) count as signs here and as letters
/// in Hugging Face's library. Every text still comes back from its tokens; training and use see the same cuts.
/// </remarks>
internal static partial class PreTokenization
{
    /// <summary>Llama 3's pattern: contractions, words with the space before them, up to three digits, punctuation, line ends, spaces.</summary>
    public const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>GPT-2's pattern, which Hugging Face's ByteLevel pre-tokenizer applies by itself.</summary>
    public const string Gpt2 =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary><see cref="Llama3"/>, compiled into the program.</summary>
    [GeneratedRegex(Llama3)]
    public static partial Regex Llama3Regex();

    /// <summary><see cref="Gpt2"/>, compiled into the program.</summary>
    [GeneratedRegex(Gpt2)]
    public static partial Regex Gpt2Regex();
}
