namespace VisualPriors.ControllerRuntime;

/// <summary>Waits after failures.</summary>
internal static class BackOff
{
    /// <summary>Doubles with each failure up to the maximum, a fifth more or less, so that what failed together does not come back together.</summary>
    /// <param name="failures">Failures before this one.</param>
    /// <param name="first">Wait after the first.</param>
    /// <param name="maximum">Longest wait.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan Exponential(int failures, TimeSpan first, TimeSpan maximum, double random)
    {
        // Beyond 2^40 every wait is at its maximum; the power must not overflow a TimeSpan.
        var wait = first.TotalSeconds * Math.Pow(2, Math.Min(failures, 40)) * (0.8 + (0.4 * random));
        return wait >= maximum.TotalSeconds ? maximum : TimeSpan.FromSeconds(wait);
    }

    /// <summary>Anything from the first wait to three times the last one: clients that lost the same server spread out ever more.</summary>
    /// <param name="last">The last wait; zero at the first failure.</param>
    /// <param name="first">Shortest wait.</param>
    /// <param name="maximum">Longest wait.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan Decorrelated(TimeSpan last, TimeSpan first, TimeSpan maximum, double random)
    {
        var upper = Math.Max(last.TotalSeconds * 3, first.TotalSeconds * 2);
        var wait = first.TotalSeconds + ((upper - first.TotalSeconds) * random);
        return TimeSpan.FromSeconds(Math.Min(wait, maximum.TotalSeconds));
    }
}
