using System.Globalization;
using System.Numerics;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text;

/// <summary>
/// Which source each sample comes from. After any number n of samples every source has had less than one more or less than n times its
/// weight. Nothing is drawn: the schedule is exact, periodic and a function of the weights alone.
/// </summary>
public sealed class MixtureSchedule
{
    /// <summary>Longest period: its table takes six bytes a sample.</summary>
    public const long MaximumPeriod = 10_000_000;

    /// <summary>Most sources of a mixture.</summary>
    public const int MaximumSources = 1024;

    private const decimal MaximumWeight = 1_000_000;
    private const decimal Scale = 1_000_000;
    private const string Field = "spec.data.mixture";

    private readonly int[] _counts;
    private readonly ushort[] _source;
    private readonly int[] _rank;

    /// <summary>
    /// Makes the schedule of some weights. They need not add up to 1: shares and percentages both work.
    /// </summary>
    /// <param name="weights">Weight by source name: 0 to 1,000,000 with at most six decimals, not all zero.</param>
    /// <param name="file">The file they stand in, to be named in errors.</param>
    /// <exception cref="InvalidInputException">
    /// A weight is negative, too large or has more decimals; all are zero; or they are so odd that they repeat only after more than
    /// <see cref="MaximumPeriod"/> samples.
    /// </exception>
    public MixtureSchedule(IReadOnlyDictionary<string, decimal> weights, string file = "mixture")
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Count > MaximumSources)
        {
            throw new InvalidInputException(file, Field, $"{weights.Count} sources", $"at most {MaximumSources}");
        }

        Sources = [.. weights.Keys.Order(StringComparer.Ordinal)];
        var scaled = Sources.Select(source => Scaled(source, weights[source], file)).ToArray();
        var divisor = scaled.Aggregate(0L, (a, b) => (long)BigInteger.GreatestCommonDivisor(a, b));
        if (divisor == 0)
        {
            throw new InvalidInputException(
                file, Field, weights.Count == 0 ? "no source" : "weights that are all zero", "at least one weight above zero");
        }

        Period = scaled.Sum() / divisor;
        if (Period > MaximumPeriod)
        {
            throw new InvalidInputException(
                file,
                Field,
                $"weights that repeat only after {Period} samples",
                $"weights with a common measure: at most {MaximumPeriod} samples (fewer decimals)");
        }

        _counts = [.. scaled.Select(weight => (int)(weight / divisor))];
        _source = new ushort[Period];
        _rank = new int[Period];
        Fill();
    }

    /// <summary>Names of the sources, in ordinal order, those with weight zero included.</summary>
    public IReadOnlyList<string> Sources { get; }

    /// <summary>Samples after which the sources repeat in the same order.</summary>
    public long Period { get; }

    /// <summary>Weight of a source as a share of 1.</summary>
    /// <param name="source">Index in <see cref="Sources"/>.</param>
    public double Weight(int source) => (double)_counts[source] / Period;

    /// <summary>
    /// Where a sample comes from: its source's index in <see cref="Sources"/>, and how many samples of that source come before it.
    /// </summary>
    /// <param name="sample">Number of the sample, counted from 0 over the whole training.</param>
    public (int Source, long Ordinal) At(long sample)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sample);
        var (periods, place) = Math.DivRem(sample, Period);
        var source = _source[place];
        return (source, (periods * _counts[source]) + _rank[place]);
    }

    private static long Scaled(string source, decimal weight, string file)
    {
        return weight is >= 0 and <= MaximumWeight && decimal.IsInteger(weight * Scale)
            ? (long)(weight * Scale)
            : throw new InvalidInputException(
                file,
                $"{Field}.{source}",
                weight.ToString(CultureInfo.InvariantCulture),
                $"a weight of 0 to {MaximumWeight} with at most six decimals");
    }

    /// <summary>
    /// A source with a of P samples must have its j-th between samples floor((j-1)P/a)+1 and ceil(jP/a), or it would be a whole sample
    /// ahead of or behind its share. Taking the one with the earliest deadline among those that may meets every deadline (unit tasks on
    /// one processor with a total load of 1: Baruah et al. 1996, "Proportionate progress").
    /// </summary>
    private void Fill()
    {
        var done = new int[_counts.Length];
        var waiting = new PriorityQueue<int, long>();
        var ready = new PriorityQueue<int, (long Deadline, int Source)>();
        for (var source = 0; source < _counts.Length; source++)
        {
            if (_counts[source] > 0)
            {
                waiting.Enqueue(source, 0);
            }
        }

        for (long place = 0; place < Period; place++)
        {
            while (waiting.TryPeek(out var released, out var release) && release <= place)
            {
                waiting.Dequeue();
                var count = _counts[released];
                ready.Enqueue(released, ((((done[released] + 1) * Period) + count - 1) / count, released));
            }

            var source = ready.Dequeue();
            _source[place] = (ushort)source;
            _rank[place] = done[source]++;
            if (done[source] < _counts[source])
            {
                waiting.Enqueue(source, done[source] * Period / _counts[source]);
            }
        }
    }
}
