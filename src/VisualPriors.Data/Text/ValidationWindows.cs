using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text;

/// <summary>The fixed held-out samples that validation loss is taken on.</summary>
public static class ValidationWindows
{
    /// <summary>
    /// Takes held-out windows of <c>sequenceLength + 1</c> tokens, spread evenly over each source. Sources share <paramref name="count"/>
    /// by weight (Sainte-Laguë's method), each that is drawn from having at least one window, at most all it has. The same arguments
    /// give the same windows, whatever the seed of training.
    /// </summary>
    /// <param name="corpus">The tokens.</param>
    /// <param name="schedule">The mixture.</param>
    /// <param name="sequenceLength">Tokens that a window tests.</param>
    /// <param name="count">Windows wanted. More sources give more; a source with too few held-out tokens gives fewer.</param>
    /// <param name="file">The file that names the mixture, to be named in errors.</param>
    /// <returns>The windows with their source's index in the schedule's sources, ordered by source and place.</returns>
    /// <exception cref="InvalidInputException">The corpus lacks a source of the mixture, or holds out less than a window of one drawn from.</exception>
    public static IReadOnlyList<(int Source, long[] Tokens)> Take(
        TextCorpus corpus, MixtureSchedule schedule, int sequenceLength, int count, string file = "mixture")
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var indices = MixtureSources.Find(corpus, schedule, file);
        var shares = Shares(schedule, count);
        var windows = new List<(int Source, long[] Tokens)>();
        for (var source = 0; source < shares.Length; source++)
        {
            if (shares[source] == 0)
            {
                continue;
            }

            var tokens = corpus.Validation(indices[source]);
            var available = MixtureSources.Windows(tokens, sequenceLength, schedule.Sources[source], "held-out", file);
            var taken = Math.Min(shares[source], available);
            for (long i = 0; i < taken; i++)
            {
                var window = new long[sequenceLength + 1];
                tokens.Read((long)((Int128)i * available / taken) * sequenceLength, window);
                windows.Add((source, window));
            }
        }

        return windows;
    }

    private static int[] Shares(MixtureSchedule schedule, int count)
    {
        var shares = new int[schedule.Sources.Count];
        var queue = new PriorityQueue<int, (double Quotient, int Source)>();
        for (var source = 0; source < shares.Length; source++)
        {
            if (schedule.Weight(source) > 0)
            {
                shares[source] = 1;
                queue.Enqueue(source, (-schedule.Weight(source) / 3, source));
            }
        }

        for (var given = queue.Count; given < count; given++)
        {
            var source = queue.Dequeue();
            shares[source]++;
            queue.Enqueue(source, (-schedule.Weight(source) / ((2 * shares[source]) + 1), source));
        }

        return shares;
    }
}
