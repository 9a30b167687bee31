using VisualPriors.Api.Resources;
using VisualPriors.Training.Optimization;

namespace VisualPriors.Training.Tests.Optimization;

public sealed class LearningRateScheduleTests
{
    private static readonly OptimizerSpec Spec = new() { LearningRate = 2, WarmupSteps = 4, MinimumLearningRateRatio = 0.1 };

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(4, 2)]
    [InlineData(8, 1.1)] // half-way down: the mean of peak and minimum
    [InlineData(12, 0.2)]
    [InlineData(13, 0.2)]
    public void Warms_up_linearly_and_falls_by_half_a_cosine(long step, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.At(Spec, step, 12), 1e-12);

    [Fact]
    public void Warm_up_can_be_a_share_of_all_steps() =>
        Assert.Equal(2.0 / 3, LearningRateSchedule.At(Spec with { WarmupSteps = 0, WarmupRatio = 0.06 }, 1, 50), 1e-12);

    [Fact]
    public void Without_warm_up_the_first_step_has_almost_the_peak() =>
        Assert.InRange(LearningRateSchedule.At(Spec with { WarmupSteps = 0 }, 1, 1000), 1.99, 2);

    [Fact]
    public void Warm_up_longer_than_the_run_never_reaches_the_peak() => Assert.Equal(1.5, LearningRateSchedule.At(Spec, 3, 3), 1e-12);
}
