using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text.Sources;

/// <summary>
/// A Metamath database: statements <c>label $p |- … $= proof $.</c> in scopes <c>${ … $}</c> with hypotheses <c>label $e |- … $.</c>,
/// each preceded by a comment <c>$( … $)</c>.
/// </summary>
internal static partial class Metamath
{
    /// <summary>A document ends with the first statement that brings it to this length.</summary>
    private const int DocumentCharacters = 2000;

    private const long MaximumFileBytes = 256 << 20;

    /// <summary>Statements with their comments and hypotheses, without proofs (which are compressed into meaningless letters).</summary>
    /// <exception cref="InvalidInputException">The file is missing or ends within a comment or statement.</exception>
    public static IEnumerable<string> Read(string path)
    {
        return Documents(path, TextSources.ReadFile(path, MaximumFileBytes, "Metamath's set.mm (apt-get install metamath-databases)"));
    }

    /// <summary>Documents of a database's content.</summary>
    public static IEnumerable<string> Documents(string path, byte[] database)
    {
        var document = new StringBuilder();
        foreach (var statement in Statements(path, database))
        {
            document.Append(statement).Append("\n\n");
            if (document.Length >= DocumentCharacters)
            {
                yield return document.ToString();
                document.Clear();
            }
        }

        if (document.Length > 0)
        {
            yield return document.ToString();
        }
    }

    private static IEnumerable<string> Statements(string path, byte[] database)
    {
        var words = new Words(path, database);
        var hypotheses = new Stack<List<string>>([[]]);
        string? comment = null;
        string? label = null;
        while (words.Next() is { } word)
        {
            switch (word)
            {
                case "$(":
                    comment = words.Until("$)");
                    break;
                case "${":
                    hypotheses.Push([]);
                    break;
                case "$}" when hypotheses.Count > 1:
                    hypotheses.Pop();
                    break;
                case "$c" or "$v" or "$d" or "$f":
                    words.Skip("$.");
                    break;
                case "$e":
                    hypotheses.Peek().Add(Formula(words.Until("$.")));
                    break;
                case "$a" or "$p":
                    var formula = word == "$a" ? words.Until("$.") : words.Until("$=");
                    if (word == "$p")
                    {
                        words.Skip("$.");
                    }

                    // Statements that do not begin with the turnstile are syntax.
                    if (formula.StartsWith("|- ", StringComparison.Ordinal))
                    {
                        yield return Statement(word, label ?? "", comment, hypotheses.Reverse().SelectMany(list => list), formula);
                    }

                    comment = null;
                    break;
                default:
                    label = word;
                    break;
            }
        }
    }

    private static string Statement(string keyword, string label, string? comment, IEnumerable<string> hypotheses, string formula)
    {
        var kind = keyword == "$p" ? "Theorem" : label.StartsWith("df-", StringComparison.Ordinal) ? "Definition" : "Axiom";
        var text = new StringBuilder($"{kind} {label}.");
        if (Explanation(comment) is { Length: > 0 } explanation)
        {
            text.Append(' ').Append(explanation);
        }

        foreach (var hypothesis in hypotheses)
        {
            text.Append("\nGiven ").Append(hypothesis);
        }

        return text.Append("\n|- ").Append(Formula(formula)).ToString();
    }

    private static string Formula(string text) => text.StartsWith("|- ", StringComparison.Ordinal) ? text[3..] : text;

    private static string Explanation(string? comment) =>
        comment is null ? "" : Spaces().Replace(LabelMarks().Replace(Remarks().Replace(WebUtility.HtmlDecode(comment), ""), ""), " ").Trim();

    /// <summary>Who wrote it and when, and advice on its use: the same few words after every statement.</summary>
    [GeneratedRegex(@"\((?:Contributed by|Revised by|Proof shortened by|Proof modification is|New usage is)[^()]*(?:\([^()]*\)[^()]*)*\)")]
    private static partial Regex Remarks();

    /// <summary>The sign that marks the label of another statement as a link.</summary>
    [GeneratedRegex(@"(?<=^|\s)~ ")]
    private static partial Regex LabelMarks();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    /// <summary>Reads a database's words, which white space separates.</summary>
    private sealed class Words(string path, byte[] database)
    {
        private int _position;

        public string? Next() => TryNext(out var word) ? Encoding.Latin1.GetString(word) : null;

        /// <summary>The words before <paramref name="end"/>, with one space between them.</summary>
        public string Until(string end)
        {
            Span<byte> endBytes = stackalloc byte[2];
            Encoding.ASCII.GetBytes(end, endBytes);
            var text = new StringBuilder();
            while (TryNext(out var word))
            {
                if (word.SequenceEqual(endBytes))
                {
                    return text.ToString();
                }

                if (text.Length > 0)
                {
                    text.Append(' ');
                }

                foreach (var b in word)
                {
                    text.Append((char)b);
                }
            }

            throw Unfinished(end);
        }

        public void Skip(string end)
        {
            Span<byte> endBytes = stackalloc byte[2];
            Encoding.ASCII.GetBytes(end, endBytes);
            while (TryNext(out var word))
            {
                if (word.SequenceEqual(endBytes))
                {
                    return;
                }
            }

            throw Unfinished(end);
        }

        private bool TryNext(out ReadOnlySpan<byte> word)
        {
            var rest = database.AsSpan(_position);
            var begin = rest.IndexOfAnyExceptInRange((byte)0, (byte)' ');
            if (begin < 0)
            {
                _position = database.Length;
                word = default;
                return false;
            }

            var length = rest[begin..].IndexOfAnyInRange((byte)0, (byte)' ');
            word = length < 0 ? rest[begin..] : rest.Slice(begin, length);
            _position += begin + word.Length;
            return true;
        }

        private InvalidInputException Unfinished(string end) => new(path, null, "the end of the file", $"{end} (the Metamath database is cut off)");
    }
}
