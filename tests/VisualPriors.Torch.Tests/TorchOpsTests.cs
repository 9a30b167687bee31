using static TorchSharp.torch;

namespace VisualPriors.Torch.Tests;

/// <summary>That arguments arrive through the C ABI as meant, and that autograd sees the calls.</summary>
public sealed class TorchOpsTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void RmsNorm_is_its_formula_and_has_a_gradient()
    {
        var x = randn(3, 5).requires_grad_();
        var weight = randn(5);
        var y = TorchOps.RmsNorm(x, weight, 0.5);
        AssertClose(x / (x.square().mean([-1], keepdim: true) + 0.5).sqrt() * weight, y);
        y.sum().backward();
        Assert.NotNull(x.grad);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Attention_takes_masks_causality_and_shared_heads(bool causal)
    {
        var (query, key, value) = (randn(2, 4, 6, 8), randn(2, 2, 6, 8), randn(2, 2, 6, 8));
        var seen = causal ? ones(6, 6, ScalarType.Bool).tril() : rand(6, 6) < 0.5 | eye(6).to(ScalarType.Bool);
        var found = TorchOps.ScaledDotProductAttention(query, key, value, causal ? null : seen, causal, enableGqa: true);
        var scores = query.matmul(key.repeat_interleave(2, dim: 1).transpose(-1, -2)) / Math.Sqrt(8);
        AssertClose(scores.masked_fill(seen.logical_not(), float.NegativeInfinity).softmax(-1).matmul(value.repeat_interleave(2, dim: 1)), found);
    }

    [Fact]
    public void Embedding_takes_rows()
    {
        var table = randn(7, 3).requires_grad_();
        var rows = TorchOps.Embedding(table, tensor(new long[] { 2, 6, 2 }));
        AssertClose(stack([table[2], table[6], table[2]]), rows);
        rows.sum().backward();
        Assert.Equal(2, table.grad![2, 0].item<float>());
    }

    [Fact]
    public void FusedAdamW_honours_scale_and_found_infinity()
    {
        var (parameter, gradient, first, second) = (ones(3), ones(3) * 4, zeros(3), zeros(3));
        void Step(float infinite) => TorchOps.FusedAdamW(
            [parameter], [gradient], [first], [second], [ones([])], 0.25, 0.5, 0.75, 0, 0, tensor(8f), tensor(infinite));
        Step(1);
        AssertClose(ones(3), parameter);
        Step(0);
        AssertClose(ones(3) * 0.75, parameter); // the first step is the learning rate, whatever the gradient
        AssertClose(ones(3) * 0.25, first); // (1 - 0.5) * 4 / 8
    }

    [Fact]
    public void What_libtorch_refuses_throws() =>
        Assert.Throws<InvalidOperationException>(() => TorchOps.RmsNorm(randn(3, 5), randn(4), 1e-6));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1000, 300)]
    public void Parallel_ranges_cover_every_item_once(int count, int grain)
    {
        var visits = new int[count];
        CpuParallel.For(count, grain, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                Interlocked.Increment(ref visits[i]);
            }
        });
        Assert.All(visits, v => Assert.Equal(1, v));
    }

    private static void AssertClose(Tensor expected, Tensor found) => Assert.True((expected - found).abs().max().item<float>() < 1e-5);
}
