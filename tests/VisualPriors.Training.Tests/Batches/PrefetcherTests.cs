using VisualPriors.Training.Batches;

namespace VisualPriors.Training.Tests.Batches;

public sealed class PrefetcherTests
{
    [Fact]
    public void Batches_come_in_the_order_of_steps()
    {
        using var prefetcher = new Prefetcher<long>(step => step * 10, 0, 20);

        Assert.Equal(Enumerable.Range(0, 20).Select(step => step * 10L), Enumerable.Range(0, 20).Select(_ => prefetcher.Next(default)));
    }

    [Fact]
    public void A_failure_is_thrown_as_itself_where_its_batch_would_have_come()
    {
        using var prefetcher = new Prefetcher<long>(step => step == 2 ? throw new FormatException("bad image") : step, 0, 20);

        Assert.Equal(0, prefetcher.Next(default));
        Assert.Equal(1, prefetcher.Next(default));
        Assert.Equal("bad image", Assert.Throws<FormatException>(() => prefetcher.Next(default)).Message);
    }

    [Fact]
    public void Disposing_in_the_middle_ends_the_work()
    {
        var made = 0;
        using (var prefetcher = new Prefetcher<long>(step => Interlocked.Increment(ref made), 0, 1_000_000))
        {
            prefetcher.Next(default);
        }

        var after = made;
        Assert.True(after < 100);
        Assert.Equal(after, made);
    }
}
