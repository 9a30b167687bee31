namespace VisualPriors.Evaluation.Reports;

/// <summary>A linear axis: values to pixels, and round values to mark.</summary>
internal readonly record struct Axis(double Minimum, double Maximum, double From, double To)
{
    /// <summary>An axis over a range of values; a range of one value is widened so that it has a middle.</summary>
    public static Axis Over(double minimum, double maximum, double from, double to) =>
        maximum > minimum ? new(minimum, maximum, from, to) : new(minimum - 0.5, minimum + 0.5, from, to);

    /// <summary>The pixel of a value.</summary>
    public double At(double value) => From + ((value - Minimum) / (Maximum - Minimum) * (To - From));

    /// <summary>Round values within the range: steps of 1, 2 or 5 times a power of ten, about as many as wanted.</summary>
    public IEnumerable<double> Ticks(int wanted)
    {
        var rough = (Maximum - Minimum) / wanted;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * ((rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        for (var k = (long)Math.Ceiling((Minimum / step) - 1e-9); (k * step) <= Maximum + (step * 1e-9); k++)
        {
            yield return k * step;
        }
    }
}
