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
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var taken = new HashSet<int>();
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
                throw new InvalidInputException(
                    path, null, found, "a token in base64 and its rank (a tiktoken file), or a tokenizer.json, or a SentencePiece model", number);
            }

            if (!ids.TryAdd(Encoding.Latin1.GetString(token, 0, length), id) || !taken.Add(id))
            {
                throw new InvalidInputException(path, null, line.ToString(), "every token and every rank once", number);
            }
        }

        var bytes = ids.Keys.Count(token => token.Length == 1);
        if (bytes != 256)
        {
            throw new InvalidInputException(path, null, $"{bytes} single bytes", "a token for each of the 256 bytes");
        }

        if (taken.Max() != ids.Count - 1)
        {
            throw new InvalidInputException(path, null, $"ranks up to {taken.Max()} for {ids.Count} tokens", "ranks without gaps");
        }

        var tokens = ids.Select(entry => (Encoding.Latin1.GetBytes(entry.Key), entry.Value));
        var tokenizer = Tokenizer(tokens, new RegexPreTokenizer(PreTokenization.Llama3Regex(), null), special: null);
        return new TextTokenizer(tokenizer, ids.Count + 2, ids.Count, ids.Count + 1, []);
    }

    /// <summary>The tokenizer that merges by the order of the ids.</summary>
    public static TiktokenTokenizer Tokenizer(
        IEnumerable<(byte[] Bytes, int Id)> tokens, PreTokenizer splitter, IReadOnlyDictionary<string, int>? special)
    {
        var lines = new StringBuilder();
        foreach (var (bytes, id) in tokens)
        {
            lines.Append(Convert.ToBase64String(bytes)).Append(CultureInfo.InvariantCulture, $" {id}\n");
        }

        using var stream = new MemoryStream(Encoding.ASCII.GetBytes(lines.ToString()));
        return TiktokenTokenizer.Create(stream, splitter, normalizer: null, special);
    }
}
