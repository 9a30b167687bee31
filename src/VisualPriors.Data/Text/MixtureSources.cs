using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text;

/// <summary>Where a mixture and a corpus meet.</summary>
internal static class MixtureSources
{
    /// <summary>Index in the corpus of every source of the schedule.</summary>
    /// <exception cref="InvalidInputException">The corpus has no such source.</exception>
    public static int[] Find(TextCorpus corpus, MixtureSchedule schedule, string file)
    {
        var unknown = schedule.Sources.Where(source => corpus.IndexOf(source) < 0).ToList();
        if (unknown.Count > 0)
        {
            const string Found = "a source that the corpus lacks";
            var expected = $"sources of the corpus: {string.Join(", ", corpus.Sources.Select(source => source.Name))}";
            throw new InvalidInputException([.. unknown.Select(source => new InputError(file, Field(source), Found, expected))]);
        }

        return [.. schedule.Sources.Select(corpus.IndexOf)];
    }

    /// <summary>Windows of <c>sequenceLength + 1</c> tokens, overlapping by one, that a stream holds.</summary>
    /// <exception cref="InvalidInputException">Not even one.</exception>
    public static long Windows(TokenStream tokens, int sequenceLength, string source, string what, string file)
    {
        var windows = (tokens.Count - 1) / sequenceLength;
        return windows > 0
            ? windows
            : throw new InvalidInputException(
                file,
                Field(source),
                $"a source with {tokens.Count} {what} tokens",
                $"at least {sequenceLength + 1L}, one more than the sequence length");
    }

    private static string Field(string source) => $"spec.data.mixture.{source}";
}
