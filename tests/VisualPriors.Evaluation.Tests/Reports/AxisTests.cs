using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Evaluation.Tests.Reports;

public sealed class AxisTests
{
    [Theory]
    [InlineData(0, 10, 5, new[] { 0.0, 2, 4, 6, 8, 10 })]
    [InlineData(2.9, 8.4, 5, new[] { 3.0, 4, 5, 6, 7, 8 })]
    [InlineData(0, 6_553_600, 3, new[] { 0.0, 2e6, 4e6, 6e6 })]
    [InlineData(-0.1, 0.1, 2, new[] { -0.1, 0, 0.1 })]
    public void Ticks_are_round_and_within_the_range(double minimum, double maximum, int wanted, double[] expected)
    {
        var ticks = new Axis(minimum, maximum, 0, 100).Ticks(wanted).ToArray();
        Assert.Equal(expected.Length, ticks.Length);
        Assert.All(expected.Zip(ticks), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void A_single_value_stands_in_the_middle() => Assert.Equal(50, Axis.Over(3, 3, 0, 100).At(3));
}
