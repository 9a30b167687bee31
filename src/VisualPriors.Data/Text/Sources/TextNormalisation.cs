using System.Buffers;
using System.Text;

namespace VisualPriors.Data.Text.Sources;

/// <summary>The one form that all text takes before it is tokenized.</summary>
public static class TextNormalisation
{
    /// <summary>Characters that need no second look: almost all there are.</summary>
    private static readonly SearchValues<char> Plain =
        SearchValues.Create(['\t', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)]);

    /// <summary>
    /// Line ends become <c>\n</c>, spaces at line ends go, so do blank lines at both ends and more than one in a row, byte order marks
    /// and control characters other than tab and line feed; lone surrogates become U+FFFD. Letters are left as they are.
    /// </summary>
    public static string Normalise(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = new StringBuilder(text.Length);
        var blankLines = 0;
        foreach (var line in text.ReplaceLineEndings("\n").AsSpan().EnumerateLines())
        {
            var trimmed = line.TrimEnd();
            if (trimmed.IsEmpty)
            {
                blankLines++;
                continue;
            }

            if (result.Length > 0)
            {
                result.Append(blankLines > 0 ? "\n\n" : "\n");
            }

            blankLines = 0;
            if (!trimmed.ContainsAnyExcept(Plain))
            {
                result.Append(trimmed);
                continue;
            }

            foreach (var rune in trimmed.EnumerateRunes())
            {
                if (rune.Value == '\t' || (!Rune.IsControl(rune) && rune.Value != 0xFEFF))
                {
                    result.Append(rune.ToString());
                }
            }
        }

        return result.ToString();
    }
}
