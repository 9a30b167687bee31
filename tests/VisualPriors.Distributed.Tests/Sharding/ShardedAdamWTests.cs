using TorchSharp.Modules;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests.Sharding;

public sealed class ShardedAdamWTests : IDisposable
{
    private static readonly OptimizerSpec Spec = new() { LearningRate = 0.01, WeightDecay = 0.1, GradientClip = 1, Beta2 = 0.95 };
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Steps_follow_the_published_formula()
    {
        double[] weights = [0.5, -1.25, 2, 0.125];
        double[][] gradients = [[0.25, -0.5, 0.125, 0.0625], [3, -4, 12, 84], [-0.125, 0.5, 0, 1]];
        var matrix = Parameter([0.5f, -1.25f]);
        var norm = Parameter([2, 0.125f]);
        // The norm comes first, to see that order in the flat buffers does not matter.
        using var optimizer = Optimizer(new("norm", norm, false), new("matrix", matrix, true));

        double[] m = new double[4], v = new double[4];
        for (var step = 1; step <= gradients.Length; step++)
        {
            var g = gradients[step - 1];
            var norm2 = Math.Sqrt(g.Sum(x => x * x));
            for (var i = 0; i < 4; i++)
            {
                var clipped = g[i] / Math.Max(1, norm2 / Spec.GradientClip);
                m[i] = (Spec.Beta1 * m[i]) + ((1 - Spec.Beta1) * clipped);
                v[i] = (Spec.Beta2 * v[i]) + ((1 - Spec.Beta2) * clipped * clipped);
                weights[i] -= i < 2 ? 0.01 * Spec.WeightDecay * weights[i] : 0;
                weights[i] -= 0.01 * (m[i] / (1 - Math.Pow(Spec.Beta1, step)))
                    / (Math.Sqrt(v[i] / (1 - Math.Pow(Spec.Beta2, step))) + Spec.Epsilon);
            }

            optimizer.Backward(Loss(matrix, (float)g[0], (float)g[1]).Plus(Loss(norm, (float)g[2], (float)g[3])), isLast: true);
            optimizer.Step(0.01);
            Assert.Equal(norm2, optimizer.GradientNorm.item<float>(), 1e-4);
            AssertValues([.. weights.Select(w => (float)w)], cat([matrix, norm]), 1e-6f);
            Assert.Null(matrix.grad);
        }
    }

    [Fact]
    public void Small_changes_gather_in_the_masters_below_what_bf16_can_hold()
    {
        var parameter = Parameter([1f], ScalarType.BFloat16);
        using var optimizer = Optimizer(new TrainedParameter("w", parameter, false));
        for (var i = 0; i < 20; i++)
        {
            optimizer.Backward(Loss(parameter, 1), isLast: true);
            optimizer.Step(0.0005); // bf16's step below 1 is 0.0039
        }

        var master = optimizer.GatherMasters(keep: true).Single().Master;
        AssertValues([0.99f], master, 1e-4f);
        AssertValues([0.98828125f], parameter, 0);
    }

    [Fact]
    public void Accumulated_gradients_step_as_their_sum()
    {
        var one = Parameter([1, 2]);
        var two = Parameter([1, 2]);
        using var optimizer = Optimizer(new TrainedParameter("w", one, true));
        using var reference = Optimizer(new TrainedParameter("w", two, true));
        for (var step = 0; step < 2; step++)
        {
            optimizer.Backward(Loss(one, 0.25f, 1), isLast: false);
            optimizer.Backward(Loss(one, 0.5f, -0.5f), isLast: true);
            optimizer.Step(0.01);
            reference.Backward(Loss(two, 0.75f, 0.5f), isLast: true);
            reference.Step(0.01);
            Assert.True(one.equal(two).all().item<bool>());
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_gradient_that_is_not_finite_changes_nothing(float bad)
    {
        var skipping = Parameter([1, 2]);
        var plain = Parameter([1, 2]);
        using var optimizer = Optimizer(new TrainedParameter("w", skipping, true));
        using var reference = Optimizer(new TrainedParameter("w", plain, true));
        optimizer.Backward(Loss(skipping, bad, 1), isLast: true);
        optimizer.Step(0.01);
        Assert.False(float.IsFinite(optimizer.GradientNorm.item<float>()));
        AssertValues([1, 2], skipping, 0);

        optimizer.Backward(Loss(skipping, 0.5f, 1), isLast: true);
        reference.Backward(Loss(plain, 0.5f, 1), isLast: true);
        optimizer.Step(0.01);
        reference.Step(0.01);
        Assert.True(skipping.equal(plain).all().item<bool>());
    }

    [Fact]
    public void A_parameter_without_gradient_only_decays()
    {
        var parameter = Parameter([1, 2]);
        var other = Parameter([1]);
        using var optimizer = Optimizer(new("w", parameter, true), new("other", other, false));
        optimizer.Backward(Loss(other, 0), isLast: true);
        optimizer.Step(0.01);
        AssertValues([0.999f, 1.998f], parameter, 1e-6f);
    }

    private static Parameter Parameter(float[] values, ScalarType type = ScalarType.Float32) => new(tensor(values).to(type));

    private static ShardedAdamW Optimizer(params TrainedParameter[] parameters) =>
        new([new ParameterUnit("unit", null, parameters)], Spec, new SingleProcess(), new ShardingSpec());

    /// <summary>A loss whose gradient by the parameter is the values.</summary>
    private static Tensor Loss(Parameter parameter, params float[] values) => (parameter * tensor(values).to(parameter.dtype)).sum();

    private static void AssertValues(float[] expected, Tensor found, float tolerance)
    {
        var values = found.detach().to(ScalarType.Float32).data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        Assert.All(expected.Zip(values), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }
}
