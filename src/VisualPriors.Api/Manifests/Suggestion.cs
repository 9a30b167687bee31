namespace VisualPriors.Api.Manifests;

/// <summary>Guesses what somebody meant by a word that is not among the known ones.</summary>
internal static class Suggestion
{
    /// <summary><c>one of a, b; did you mean a?</c></summary>
    public static string OneOf(string word, IEnumerable<string> known)
    {
        var sorted = known.Order(StringComparer.Ordinal).ToList();
        var nearest = Nearest(word, sorted);
        return (sorted.Count == 1 ? sorted[0] : "one of " + string.Join(", ", sorted)) + (nearest is null ? "" : $"; did you mean {nearest}?");
    }

    /// <summary>The known word within a third of the letters of edit distance, if any.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length > 64)
        {
            return null;
        }

        var best = known
            .Select(candidate => (Candidate: candidate, Distance: Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant())))
            .OrderBy(pair => pair.Distance)
            .FirstOrDefault();
        return best.Candidate is not null && best.Distance <= Math.Max(1, word.Length / 3) ? best.Candidate : null;
    }

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
