namespace VisualPriors.Evaluation.Scoring;

/// <summary>
/// Wilson's score interval for a share: unlike the usual plus or minus, it stays within 0 and 1 and keeps its coverage for small
/// groups and extreme shares.
/// </summary>
public static class WilsonInterval
{
    /// <summary>Standard normal quantile of a two-sided 95 % interval.</summary>
    private const double Z = 1.959963984540054;

    /// <summary>The 95 % interval of a share, as fractions.</summary>
    /// <param name="successes">Successes, between 0 and <paramref name="trials"/>.</param>
    /// <param name="trials">Trials, at least one.</param>
    public static (double Low, double High) At95(int successes, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        var share = (double)successes / trials;
        var shrink = 1 + (Z * Z / trials);
        var centre = (share + (Z * Z / (2.0 * trials))) / shrink;
        var half = Z * Math.Sqrt((share * (1 - share) / trials) + (Z * Z / (4.0 * trials * trials))) / shrink;
        // Rounding must not push an end past what is certain.
        return (successes == 0 ? 0 : Math.Max(0, centre - half), successes == trials ? 1 : Math.Min(1, centre + half));
    }
}
