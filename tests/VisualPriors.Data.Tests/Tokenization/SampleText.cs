using System.Text;

namespace VisualPriors.Data.Tests.Tokenization;

/// <summary>Text for tests: words that repeat by Zipf's law, with signs, numbers, other scripts and line ends between them.</summary>
internal static class SampleText
{
    private static readonly string[] Signs = [", ", ". ", " -- ", "\n", "\n\n", "; ", " (", ") ", "\t", "  ", " 12345 ", "'s ", "é ", " 漢字 ", " 🦊🦊 "];

    public static string[] Documents(int seed, int documents, int words)
    {
        var random = new Random(seed);
        var vocabulary = Enumerable.Range(0, 60).Select(_ => Word(random)).ToArray();
        return [.. Enumerable.Range(0, documents).Select(_ => Document(random, vocabulary, words))];
    }

    private static string Document(Random random, string[] vocabulary, int words)
    {
        var text = new StringBuilder();
        for (var i = 0; i < words; i++)
        {
            text.Append(vocabulary[(int)(vocabulary.Length * Math.Pow(random.NextDouble(), 3))]);
            text.Append(random.Next(4) == 0 ? Signs[random.Next(Signs.Length)] : " ");
        }

        return text.ToString();
    }

    private static string Word(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => "aeioustrnl"[random.Next(10)]));
}
