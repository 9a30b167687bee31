using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Tokenization;

/// <summary>Reads tiktoken's rank files: one token a line, its bytes in base64 and its id, which is its rank among the merges.</summary>
internal static class TiktokenFile
{
    /// <summary>Parses a file's content.</summary>
    public static TextTokenizer Read(string path, byte[] content)
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        var bytes = 0;
        var number = 0;
        foreach (var line in Encoding.Latin1.GetString(content).AsSpan().EnumerateLines())
        {
            number++;
            if (line.IsEmpty)
            {
                continue;
            }

            var space = line.IndexOf(' ');
            var token = space > 0 ? new byte[space] : [];
            if (space <= 0
                || !Convert.TryFromBase64Chars(line[..space], token, out var length)
                || length == 0
                || !int.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || id >= TextTokenizer.MaximumVocabularySize)
            {
                var found = line.Length > 60 ? $"{line[..60]}…" : line.ToString();
                throw new InvalidInputException(path, null, found, "a token in base64, a space, its rank (a tiktoken file), or a tokenizer.json, or a SentencePiece model", number);
            }

            if (!tokens.Add(line[..space].ToString()) || !ids.Add(id))
            {
                throw new InvalidInputException(path, null, line.ToString(), "every token and every rank once", number);
            }

            bytes += length == 1 ? 1 : 0;
        }

        if (bytes != 256)
        {
            throw new InvalidInputException(path, null, $"{bytes} single bytes", "a token for each of the 256 bytes");
        }

        if (ids.Max() != ids.Count - 1)
        {
            throw new InvalidInputException(path, null, $"ranks up to {ids.Max()} for {ids.Count} tokens", "ranks without gaps");
        }

        using var stream = new MemoryStream(content);
        var tokenizer = TiktokenTokenizer.Create(stream, new RegexPreTokenizer(PreTokenization.Llama3Regex(), null), normalizer: null);
        return new TextTokenizer(tokenizer, ids.Count + 2, ids.Count, ids.Count + 1, []);
    }
}
