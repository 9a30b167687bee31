using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Tests.Runs;

public sealed class AttemptClockTests
{
    [Fact]
    public void Each_time_is_later_than_the_one_before()
    {
        var time = new ManualTimeProvider();
        var clock = new AttemptClock(time);
        var first = clock.Next();
        Assert.Equal(time.GetUtcNow().ToUnixTimeMilliseconds(), first.ToUnixTimeMilliseconds());
        Assert.Equal(first.AddMilliseconds(1), clock.Next());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(first.AddSeconds(1), clock.Next());
    }
}
