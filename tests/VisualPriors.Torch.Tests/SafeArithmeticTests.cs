using TorchSharp;
using static TorchSharp.torch;

namespace VisualPriors.Torch.Tests;

public sealed class SafeArithmeticTests
{
    [Fact]
    public void It_computes_what_it_says()
    {
        float[] left = [-1, 2, 3];
        float[] right = [10, 20, 30];
        var (a, b) = (tensor(left), tensor(right));

        Assert.Equal([9, 22, 33], a.Plus(b).data<float>());
        Assert.Equal([-11, -18, -27], a.Minus(b).data<float>());
        Assert.Equal([-0.5f, 1, 1.5f], a.Times(0.5).data<float>());
        Assert.Equal([0, 2, 3], a.AtLeastZero().data<float>());
        Assert.Equal([false, true, false], a.Is(2).data<bool>());
        Assert.Equal([9, 22, 33], a.clone().PlusInPlace(b).data<float>());
        long[] rows = [2, 1, 0];
        Assert.Equal([29, 22, 13], a.clone().AddRowsInPlace(tensor(rows), b).data<float>());
    }

    /// <summary>With TorchSharp's own operators in their place this fails at once: the scalar is freed while libtorch reads it.</summary>
    [Fact]
    public void Collections_at_the_worst_moment_change_nothing()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var scope = NewDisposeScope();
            var (a, b) = (ones(4, ScalarType.BFloat16), ones(4, ScalarType.BFloat16));
            for (var i = 0; i < 15_000; i++)
            {
                using var sum = a.Plus(b);
                using var product = sum.Times(0.25);
                using var difference = product.Minus(a);
                Assert.Equal(-0.5f, difference[0].ToSingle());
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }
}
