using System.Text;
using Microsoft.ML.Tokenizers;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Tokenization;

/// <summary>
/// Turns text into token ids and back. Text never makes a special token: what stands between documents is put there by whoever builds
/// the sequence, with <see cref="BeginOfText"/> and <see cref="EndOfText"/>. Safe for use by several threads.
/// </summary>
public sealed class TextTokenizer
{
    /// <summary>Largest tokenizer file that is read; the largest in use have about 40 MB.</summary>
    internal const long MaximumFileBytes = 256 << 20;

    /// <summary>Largest vocabulary: embedding tables grow with it.</summary>
    internal const int MaximumVocabularySize = 1 << 20;

    private readonly Tokenizer _tokenizer;
    private readonly HashSet<int> _special;

    internal TextTokenizer(Tokenizer tokenizer, int vocabularySize, int beginOfText, int endOfText, IEnumerable<int> special)
    {
        _tokenizer = tokenizer;
        _special = [.. special, beginOfText, endOfText];
        VocabularySize = vocabularySize;
        BeginOfText = beginOfText;
        EndOfText = endOfText;
    }

    /// <summary>Number of ids: every id is below it.</summary>
    public int VocabularySize { get; }

    /// <summary>Id of the token that begins a text. Families with a single marker (GPT-2's) have the same id for both.</summary>
    public int BeginOfText { get; }

    /// <summary>Id of the token that ends a text.</summary>
    public int EndOfText { get; }

    /// <summary>
    /// Loads a tokenizer, told apart by content: a Hugging Face <c>tokenizer.json</c> with a byte-level BPE, a tiktoken file (lines of
    /// base64 and rank), or a SentencePiece model. A tiktoken file names no special tokens: begin and end of text get the two ids after
    /// its last, as in Llama 3, and its text is split as Llama 3's.
    /// </summary>
    /// <exception cref="InvalidInputException">There is no such file, it is none of these, it is damaged, or it has no end of text.</exception>
    public static TextTokenizer Load(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidInputException(path, null, "no such file", "a tokenizer.json, tiktoken file or SentencePiece model");
        }

        if (file.Length is 0 or > MaximumFileBytes)
        {
            throw new InvalidInputException(path, null, $"{file.Length} bytes", $"a tokenizer of 1 to {MaximumFileBytes} bytes");
        }

        var content = File.ReadAllBytes(path);
        var first = content.AsSpan().IndexOfAnyExcept(" \t\r\n"u8);
        if (first >= 0 && content[first] == '{')
        {
            return HuggingFaceTokenizerFile.Read(path, content);
        }

        // A SentencePiece model is a protocol buffer that begins with its pieces: field 1, length-delimited.
        return content[0] == 0x0A ? SentencePieceFile.Read(path, content) : TiktokenFile.Read(path, content);
    }

    /// <summary>
    /// Ids of a text; no special tokens are added, and their names in the text are text like any other. Lone surrogates, which are no
    /// text, become U+FFFD.
    /// </summary>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var hasSurrogates = text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
        return _tokenizer.EncodeToIds(hasSurrogates ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text);
    }

    /// <summary>The text of ids. Special tokens are left out; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not of this vocabulary.</exception>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _tokenizer.Decode(ids.Where(id =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            return !_special.Contains(id);
        }));
    }
}
