using VisualPriors.Training.Loops;

namespace VisualPriors.Training.Tests.Loops;

public sealed class SpikeDetectorTests
{
    [Theory]
    [InlineData(3.0, false)]
    [InlineData(3.8, false)]
    [InlineData(4.2, true)]
    [InlineData(0.0, false)]
    public void A_spike_is_so_many_deviations_above_the_mean(double loss, bool expected)
    {
        var detector = new SpikeDetector(deviations: 2, window: 8);
        // Mean 2, standard deviation 0.93: the limit is at 3.85.
        Assert.All(new double[] { 1, 3, 2, 1, 3, 1, 3, 2 }, value => Assert.False(detector.IsSpike(value)));

        Assert.Equal(expected, detector.IsSpike(loss));
    }

    [Fact]
    public void Nothing_is_a_spike_before_half_a_window_is_known()
    {
        var detector = new SpikeDetector(deviations: 2, window: 8);
        Assert.All(new[] { 1, 1.1, 1, 50 }, value => Assert.False(detector.IsSpike(value)));
    }

    [Fact]
    public void A_spike_is_not_remembered()
    {
        var detector = new SpikeDetector(deviations: 2, window: 4);
        Assert.All(new[] { 1, 1.1, 1, 1.1 }, value => Assert.False(detector.IsSpike(value)));
        Assert.True(detector.IsSpike(5));
        Assert.True(detector.IsSpike(5));
    }

    [Fact]
    public void No_deviations_find_no_spikes()
    {
        var detector = new SpikeDetector(deviations: 0, window: 4);
        Assert.All(new[] { 1, 1, 1, 1, 1e9 }, value => Assert.False(detector.IsSpike(value)));
    }
}
