using System.Text;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.Tests.Tokenization;

/// <summary>Byte pair encoding as its definition says, slowly: every merge counts all pairs of all words anew.</summary>
internal static class ReferenceTrainer
{
    public static List<(int Left, int Right)> Merges(IEnumerable<string> texts, int vocabularySize)
    {
        var words = texts
            .SelectMany(text => PreTokenization.Llama3Regex().Matches(text).Select(match => match.Value))
            .Select(word => Encoding.UTF8.GetBytes(word).Select(value => 2 + value).ToList())
            .ToList();
        var spelling = Enumerable.Range(0, 256).ToDictionary(value => 2 + value, value => ((char)value).ToString());
        var merges = new List<(int Left, int Right)>();
        while (spelling.Count + 2 < vocabularySize)
        {
            var (left, right) = words
                .SelectMany(word => word.Zip(word.Skip(1)))
                .GroupBy(pair => pair)
                .OrderByDescending(group => group.Count())
                .ThenBy(group => group.Key.First)
                .ThenBy(group => group.Key.Second)
                .First()
                .Key;
            var merged = spelling[left] + spelling[right];
            var known = spelling.Where(entry => entry.Value == merged).Select(entry => (int?)entry.Key).FirstOrDefault();
            var id = known ?? (spelling.Count + 2);
            spelling[id] = merged;
            merges.Add((left, right));
            foreach (var word in words)
            {
                for (var i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] = id;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }

        return merges;
    }
}
