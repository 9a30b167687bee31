using System.Text.RegularExpressions;

namespace VisualPriors.Evaluation.Scoring;

/// <summary>
/// Finds the option that a free text chooses: the paper's robust parser (paper.md 4.1). Its three rules are tried in order, and the
/// first that hits decides: an explicit letter; an output that is an option's text; the longest option text inside the output.
/// </summary>
/// <remarks>
/// The paper gives examples of letter patterns, not a grammar. INFERRED from them: letters after "answer is" and "answer:" are
/// capitals that stand alone, so that the article in "the answer is a dog" chooses nothing; option texts are found as whole words,
/// so that "category" holds no cat; of two equally long options in one output the one named first counts.
/// </remarks>
public static partial class AnswerParser
{
    /// <summary>Most options a question may have: one for each letter.</summary>
    public const int MaximumChoices = 26;

    /// <summary>The chosen option's index, or null when the output chooses none.</summary>
    /// <param name="output">What the model wrote.</param>
    /// <param name="choices">The options' texts in the order of their letters; at most <see cref="MaximumChoices"/>.</param>
    public static int? Parse(string output, IReadOnlyList<string> choices)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(choices);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(choices.Count, MaximumChoices, nameof(choices));
        var text = output.Trim();
        return ByLetter(text, choices.Count) ?? ByWholeText(text, choices) ?? ByContainedText(text, choices);
    }

    private static int? ByLetter(string text, int count)
    {
        foreach (var pattern in LetterPatterns())
        {
            foreach (Match match in pattern.Matches(text))
            {
                var index = char.ToUpperInvariant(match.Groups[1].Value[0]) - 'A';
                if (index < count)
                {
                    return index;
                }
            }
        }

        return null;
    }

    private static int? ByWholeText(string text, IReadOnlyList<string> choices)
    {
        var bare = Bare(text);
        for (var i = 0; i < choices.Count; i++)
        {
            var choice = choices[i].Trim();
            if (choice.Length > 0
                && (choice.Equals(text, StringComparison.OrdinalIgnoreCase) || Bare(choice).Equals(bare, StringComparison.OrdinalIgnoreCase)))
            {
                return i;
            }
        }

        return null;
    }

    private static int? ByContainedText(string text, IReadOnlyList<string> choices)
    {
        int? best = null;
        var (bestLength, bestPosition) = (0, int.MaxValue);
        for (var i = 0; i < choices.Count; i++)
        {
            var choice = choices[i].Trim();
            var position = choice.Length == 0 ? -1 : PositionOfWords(text, choice);
            if (position >= 0 && (choice.Length > bestLength || (choice.Length == bestLength && position < bestPosition)))
            {
                (best, bestLength, bestPosition) = (i, choice.Length, position);
            }
        }

        return best;
    }

    /// <summary>Where a phrase stands in a text without a letter or digit growing on to either end of it; -1 where nowhere.</summary>
    private static int PositionOfWords(string text, string phrase)
    {
        for (var start = 0; (start = text.IndexOf(phrase, start, StringComparison.OrdinalIgnoreCase)) >= 0; start++)
        {
            var end = start + phrase.Length;
            var openLeft = start == 0 || !char.IsLetterOrDigit(text[start - 1]) || !char.IsLetterOrDigit(phrase[0]);
            var openRight = end == text.Length || !char.IsLetterOrDigit(text[end]) || !char.IsLetterOrDigit(phrase[^1]);
            if (openLeft && openRight)
            {
                return start;
            }
        }

        return -1;
    }

    private static string Bare(string text) => text.Trim(' ', '\t', '\r', '\n', '.', ',', ';', ':', '!', '"', '\'', '`', '*');

    private static Regex[] LetterPatterns() =>
        [AnswerIs(), AnswerColon(), StartsWithLetter(), EndsWithLetter(), OnlyLetter()];

    // Alone after the letter: the end, a closing mark or a line break; a word going on means that the letter was one ("A dog").
    private const string Alone = @"(?=\s*$|[)\].,;:!*]|[ \t]*[\r\n])";

    [GeneratedRegex(@"\b[Aa]nswer\s+is\s*:?\s*(?:[Oo]ption\s+)?(?:[(\[]([A-Za-z])[)\]]|(?<1>[A-Z])" + Alone + ")", RegexOptions.CultureInvariant)]
    private static partial Regex AnswerIs();

    [GeneratedRegex(@"\b(?:[Aa]nswer|ANSWER)\s*:\s*(?:[Oo]ption\s+)?(?:[(\[]([A-Za-z])[)\]]|(?<1>[A-Z])" + Alone + ")", RegexOptions.CultureInvariant)]
    private static partial Regex AnswerColon();

    [GeneratedRegex(@"^\(([A-Za-z])\)", RegexOptions.CultureInvariant)]
    private static partial Regex StartsWithLetter();

    [GeneratedRegex(@"\(([A-Za-z])\)[.!]?$", RegexOptions.CultureInvariant)]
    private static partial Regex EndsWithLetter();

    // "B", "B.", "B)", and with the option's text behind it: "B. dog".
    [GeneratedRegex(@"^([A-Za-z])[.)]?$|^(?<1>[A-Z])[.):](?=\s)", RegexOptions.CultureInvariant)]
    private static partial Regex OnlyLetter();
}
