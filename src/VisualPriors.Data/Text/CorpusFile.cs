using System.Text.Json.Serialization;

namespace VisualPriors.Data.Text;

/// <summary>
/// <c>corpus.json</c> of a prepared corpus. Beside it lie <c>tokenizer.json</c> and, for every source, <c>&lt;source&gt;/train.bin</c> and
/// <c>&lt;source&gt;/validation.bin</c>: token ids as little-endian unsigned integers of <see cref="TokenBytes"/> bytes, every document
/// followed by the tokenizer's end of text.
/// </summary>
public sealed record CorpusFile
{
    /// <summary>Version of this format; a reader refuses any other.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Name of the file.</summary>
    public const string FileName = "corpus.json";

    /// <summary>Name of the tokenizer's copy.</summary>
    public const string TokenizerFileName = "tokenizer.json";

    /// <summary>Format version.</summary>
    public required int Version { get; init; }

    /// <summary>Every token id is below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Id that stands after every document.</summary>
    public required int EndOfText { get; init; }

    /// <summary>Bytes of a token id: 2 up to a vocabulary of 65,536, else 4.</summary>
    public required int TokenBytes { get; init; }

    /// <summary>The sources, ordered by name.</summary>
    public required IReadOnlyList<CorpusSource> Sources { get; init; }

    /// <summary>Bytes that a token id takes.</summary>
    internal static int TokenBytesFor(int vocabularySize) => vocabularySize <= 1 << 16 ? sizeof(ushort) : sizeof(uint);

    /// <summary>Path of a source's training tokens within the corpus.</summary>
    internal static string TrainPath(string source) => $"{source}/train.bin";

    /// <summary>Path of a source's validation tokens within the corpus.</summary>
    internal static string ValidationPath(string source) => $"{source}/validation.bin";

    /// <summary>Whether a source's name can be a folder's: lower-case letters, digits and hyphens, at most 64.</summary>
    internal static bool IsSourceName(string? name) =>
        name is { Length: > 0 and <= 64 } && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}

/// <summary>One source of a corpus.</summary>
public sealed record CorpusSource
{
    /// <summary>Name as mixtures use it.</summary>
    public required string Name { get; init; }

    /// <summary>What the text is and where it comes from.</summary>
    public required string Description { get; init; }

    /// <summary>Under which terms it may be used.</summary>
    public required string Licence { get; init; }

    /// <summary>Documents to train on.</summary>
    public required int TrainDocuments { get; init; }

    /// <summary>Documents held out.</summary>
    public required int ValidationDocuments { get; init; }

    /// <summary>Tokens to train on.</summary>
    public required long TrainTokens { get; init; }

    /// <summary>Tokens held out.</summary>
    public required long ValidationTokens { get; init; }

    /// <summary>UTF-8 bytes of all its text.</summary>
    public required long TextBytes { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(CorpusFile))]
internal sealed partial class CorpusJson : JsonSerializerContext;
