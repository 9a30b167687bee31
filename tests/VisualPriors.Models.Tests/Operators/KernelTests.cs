using VisualPriors.Models.Operators;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests.Operators;

/// <summary>The CPU kernels against the tensor operations they stand for (in fp64), values and gradients.</summary>
public sealed class KernelTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public static TheoryData<ScalarType, double> Types => new() { { ScalarType.Float32, 1e-5 }, { ScalarType.BFloat16, 1.2e-2 } };

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Types))]
    public void RmsNorm_is_its_formula(ScalarType type, double tolerance) => Compare(
        type,
        tolerance,
        [Random(1, 7, 37, 48), Random(2, 48) + 1],
        x => RmsNorm.Apply(x[0], x[1], 1e-6),
        x => x[0] / (x[0].square().mean([-1], keepdim: true) + 1e-6).sqrt() * x[1]);

    [Theory]
    [MemberData(nameof(Types))]
    public void SwiGlu_is_its_formula(ScalarType type, double tolerance) => Compare(
        type,
        tolerance,
        [Random(1, 5, 41, 64) * 3],
        x => SwiGlu.Apply(x[0]),
        x => x[0].narrow(-1, 0, 32).sigmoid() * x[0].narrow(-1, 0, 32) * x[0].narrow(-1, 32, 32));

    [Theory]
    [InlineData(ScalarType.Float32, 48, 1e-5)]
    [InlineData(ScalarType.BFloat16, 48, 1.2e-2)]
    [InlineData(ScalarType.Float32, 37, 1e-5)] // not a multiple of the kernels' lanes
    public void Causal_attention_is_its_formula(ScalarType type, int length, double tolerance)
    {
        const int Batch = 2, Heads = 4, KeyHeads = 2, Size = 32;
        var angles = outer(arange(length, ScalarType.Float32), pow(100.0, arange(0, Size / 2, ScalarType.Float32) / -16.0));
        var (cosines, sines) = (angles.cos(), angles.sin());
        Compare(
            type,
            tolerance,
            [Random(3, Batch, length, (Heads + (2 * KeyHeads)) * Size)],
            x =>
            {
                Assert.True(CausalAttention.Takes(x[0], Size));
                return CausalAttention.Apply(x[0], cosines, sines, KeyHeads, Size);
            },
            x =>
            {
                var parts = x[0].view(Batch, length, -1, Size).transpose(1, 2).split([Heads, KeyHeads, KeyHeads], dim: 1);
                var (cos, sin) = (cosines.to(ScalarType.Float64), sines.to(ScalarType.Float64));
                Tensor Rotate(Tensor h) => cat(
                    [(h[.., .., .., ..16] * cos) - (h[.., .., .., 16..] * sin), (h[.., .., .., 16..] * cos) + (h[.., .., .., ..16] * sin)], -1);
                var key = Rotate(parts[1]).repeat_interleave(Heads / KeyHeads, dim: 1);
                var value = parts[2].repeat_interleave(Heads / KeyHeads, dim: 1);
                var scores = Rotate(parts[0]).matmul(key.transpose(-1, -2)) / Math.Sqrt(Size);
                scores = scores.masked_fill(ones(length, length).tril().eq(0), double.NegativeInfinity);
                return scores.softmax(-1).matmul(value).transpose(1, 2).reshape(Batch, length, -1);
            });
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Cross_entropy_is_its_formula(ScalarType type, double tolerance) => Compare(
        type,
        tolerance,
        [Random(1, 50, 32), Random(2, 80, 32)],
        x => LinearCrossEntropy.Apply(x[0], x[1], Labels(50, 80)),
        x => nn.functional.cross_entropy(x[0].matmul(x[1].t()), Labels(50, 80), reduction: nn.Reduction.None));

    [Theory]
    [InlineData(80)]
    [InlineData(77)] // not a multiple of the kernels' lanes: by tensor operations
    public void Cross_entropy_is_the_same_in_blocks_kept_or_not(int vocabulary)
    {
        foreach (var kept in new long[] { 0, long.MaxValue })
        {
            Compare(
                ScalarType.Float32,
                1e-5,
                [Random(1, 13, 32), Random(2, vocabulary, 32)],
                x => LinearCrossEntropy.Apply(x[0], x[1], Labels(13, vocabulary), blockElements: 5 * vocabulary, keptElements: kept),
                x => nn.functional.cross_entropy(x[0].matmul(x[1].t()), Labels(13, vocabulary), reduction: nn.Reduction.None));
        }
    }

    [Fact]
    public void Kernels_hold_at_extreme_values()
    {
        using var _ = no_grad();
        var gate = tensor([-1e4f, -88, -30, 0, 30, 88, 1e4f, float.NaN]).repeat(2);
        var swish = SwiGlu.Apply(cat([gate, ones(16)]).view(1, 32)).view(-1);
        Assert.Equal([0f, 0, 0, 0, 30, 88, 1e4f, float.NaN], swish.data<float>().ToArray().Take(8).Select(v => Math.Abs(v) < 1e-10 ? 0 : v));

        var losses = LinearCrossEntropy.Apply(full([1, 1], 1e4f), arange(16, ScalarType.Float32).view(16, 1), tensor(new long[] { 14 }));
        Assert.Equal(1e4f, losses.item<float>());
    }

    /// <summary>Values and gradients (of a weighted sum of the outputs) by both ways, relative to each tensor's largest element.</summary>
    private static void Compare(ScalarType type, double tolerance, Tensor[] inputs, Func<Tensor[], Tensor> kernel, Func<Tensor[], Tensor> formula)
    {
        var found = inputs.Select(x => x.to(type).requires_grad_()).ToArray();
        var expected = found.Select(x => x.detach().to(ScalarType.Float64).requires_grad_()).ToArray();
        var (y, reference) = (kernel(found), formula(expected));
        AssertClose(reference, y, tolerance, "value");
        var weights = Random(9, y.shape).to(type);
        (y * weights).sum().backward();
        (reference * weights.to(ScalarType.Float64)).sum().backward();
        for (var i = 0; i < inputs.Length; i++)
        {
            Assert.Equal(type, found[i].grad!.dtype);
            AssertClose(expected[i].grad!, found[i].grad!, tolerance, $"gradient {i}");
        }
    }

    private static void AssertClose(Tensor expected, Tensor found, double tolerance, string what)
    {
        Assert.Equal(expected.shape, found.shape);
        var worst = ((found.detach() - expected.detach()).abs().max() / expected.detach().abs().max()).item<double>();
        Assert.True(worst <= tolerance, $"{what} differs by {worst} of the largest element");
    }

    private static Tensor Labels(int rows, int vocabulary)
    {
        var labels = Random(5, rows).abs().mul(vocabulary / 4).to(ScalarType.Int64).remainder(vocabulary);
        labels[3] = -100;
        labels[rows - 1] = vocabulary - 1;
        return labels;
    }

    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn(shape, ScalarType.Float32, generator: generator);
    }
}
