using Microsoft.ML.Tokenizers;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Tokenization;

/// <summary>Reads SentencePiece models (Llama 1 and 2, Mistral).</summary>
internal static class SentencePieceFile
{
    /// <summary>Parses a file's content.</summary>
    public static TextTokenizer Read(string path, byte[] content)
    {
        SentencePieceTokenizer tokenizer;
        try
        {
            using var stream = new MemoryStream(content);
            tokenizer = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The library names no exception for a damaged model: parsing it fails in many ways.
            throw new InvalidInputException(path, null, e.Message, "a SentencePiece model");
        }

        var size = tokenizer.Vocabulary.Count;
        var begin = Piece(tokenizer.BeginningOfSentenceToken, tokenizer.BeginningOfSentenceId, "begin of text", "<s>");
        var end = Piece(tokenizer.EndOfSentenceToken, tokenizer.EndOfSentenceId, "end of text", "</s>");
        return new TextTokenizer(tokenizer, size, begin, end, []);

        int Piece(string? name, int id, string what, string expected) =>
            name is { Length: > 0 } && id >= 0 && id < size && tokenizer.Vocabulary.TryGetValue(name, out var listed) && listed == id
                ? id
                : throw new InvalidInputException(path, null, $"no {what}", expected);
    }
}
