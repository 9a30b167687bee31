using TorchSharp.Modules;
using VisualPriors.Api.Resources;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Training.Optimization;

/// <summary>
/// AdamW over fp32 masters of the parameters that a model computes with (of any type). Masters, moments and gradients lie in flat buffers,
/// decayed parameters first, so that a step is a handful of large operations. Nothing in it waits for the device: clipping and the refusal
/// of non-finite gradients are device scalars.
/// </summary>
public sealed class MasterWeightAdamW : IDisposable
{
    private readonly OptimizerSpec _spec;
    private readonly Slot[] _slots;
    private readonly Tensor _masters;
    private readonly Tensor _gradients;
    private readonly Tensor _firstMoments;
    private readonly Tensor _secondMoments;
    private readonly Tensor _stepCount; // scalar: steps taken, skipped ones not counted
    private readonly Tensor _infinity;
    private readonly Tensor _one;
    private readonly long _decayed;
    private bool _accumulated;

    /// <summary>Takes parameters over: their present values become the masters.</summary>
    /// <param name="parameters">Name, parameter, and whether weight decay applies to it (matrices yes, norms and biases no). One device.</param>
    /// <param name="spec">Settings.</param>
    public MasterWeightAdamW(IReadOnlyList<(string Name, Parameter Value, bool Decay)> parameters, OptimizerSpec spec)
    {
        _spec = spec;
        var device = parameters[0].Value.device;
        var total = parameters.Sum(p => p.Value.numel());
        _decayed = parameters.Where(p => p.Decay).Sum(p => p.Value.numel());
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _masters = empty(total, ScalarType.Float32, device).DetachFromDisposeScope();
        _gradients = zeros(total, ScalarType.Float32, device).DetachFromDisposeScope();
        _firstMoments = zeros(total, ScalarType.Float32, device).DetachFromDisposeScope();
        _secondMoments = zeros(total, ScalarType.Float32, device).DetachFromDisposeScope();
        _stepCount = zeros([], ScalarType.Float32, device).DetachFromDisposeScope();
        _infinity = full([], float.PositiveInfinity, ScalarType.Float32, device).DetachFromDisposeScope();
        _one = ones([], ScalarType.Float32, device).DetachFromDisposeScope();
        GradientNorm = zeros([], ScalarType.Float32, device).DetachFromDisposeScope();

        long offset = 0;
        _slots = [.. parameters.OrderBy(p => p.Decay ? 0 : 1).Select(p =>
        {
            var slot = new Slot(p.Name, p.Value, View(_masters, offset, p.Value), View(_gradients, offset, p.Value));
            offset += p.Value.numel();
            slot.Master.copy_(p.Value);
            return slot;
        })];
    }

    /// <summary>Global norm of the last step's gradients, before clipping: an fp32 scalar on the device, not finite when the step was skipped.</summary>
    public Tensor GradientNorm { get; }

    /// <summary>The exact weights by parameter name, fp32, shaped like the parameters; they change with every step.</summary>
    public IEnumerable<(string Name, Tensor Master)> Masters => _slots.Select(s => (s.Name, s.Master));

    /// <summary>
    /// Sets the masters to exact weights, where the parameters hold rounded ones: for a model that goes on from fp32 files.
    /// </summary>
    /// <param name="weights">An fp32 tensor for names among <see cref="Masters"/>.</param>
    public void Restore(IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var noGrad = no_grad();
        var slots = _slots.ToDictionary(slot => slot.Name, StringComparer.Ordinal);
        foreach (var (name, value) in weights)
        {
            slots[name].Master.copy_(value);
        }
    }

    /// <summary>Adds the parameters' gradients to fp32 buffers and clears them: for steps made of more than one micro-batch.</summary>
    public void Accumulate()
    {
        using var noGrad = no_grad();
        foreach (var slot in _slots)
        {
            TakeGradient(slot, add: _accumulated);
        }

        _accumulated = true;
    }

    /// <summary>
    /// Takes one step from the parameters' gradients (or from what was accumulated) and clears them: clips by the global norm, updates the
    /// masters, refreshes the parameters. Gradients whose norm is not finite change nothing.
    /// </summary>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (!_accumulated)
        {
            Accumulate();
        }

        _accumulated = false;
        GradientNorm.copy_(linalg.vector_norm(_gradients, ord: 2));
        var taken = GradientNorm.less(_infinity).to(ScalarType.Float32); // 0 for NaN, too
        var skip = _one.Minus(taken);
        var scale = _spec.GradientClip > 0 ? maximum(GradientNorm.Times(1 / _spec.GradientClip), _one) : _one;
        _stepCount.PlusInPlace(taken);
        Update(0, _decayed, learningRate, _spec.WeightDecay, scale, skip);
        Update(_decayed, _masters.numel() - _decayed, learningRate, 0, scale, skip);
        foreach (var slot in _slots)
        {
            slot.Parameter.copy_(slot.Master);
        }
    }

    /// <summary>Releases masters, moments and buffers; the parameters stay.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots)
        {
            slot.Master.Dispose();
            slot.Gradient.Dispose();
        }

        foreach (var tensor in new[] { _masters, _gradients, _firstMoments, _secondMoments, _stepCount, _infinity, _one, GradientNorm })
        {
            tensor.Dispose();
        }
    }

    private static Tensor View(Tensor flat, long offset, Tensor like) =>
        flat.narrow(0, offset, like.numel()).view(like.shape).DetachFromDisposeScope();

    private static void TakeGradient(Slot slot, bool add)
    {
        using var gradient = slot.Parameter.grad;
        if (gradient is null)
        {
            if (!add)
            {
                slot.Gradient.zero_();
            }
        }
        else if (add)
        {
            slot.Gradient.PlusInPlace(gradient);
        }
        else
        {
            slot.Gradient.copy_(gradient);
        }

        slot.Parameter.grad = null;
    }

    private void Update(long offset, long length, double learningRate, double weightDecay, Tensor scale, Tensor skip)
    {
        if (length == 0)
        {
            return;
        }

        Tensor[] Part(Tensor flat) => [flat.narrow(0, offset, length)];
        TorchOps.FusedAdamW(
            Part(_masters), Part(_gradients), Part(_firstMoments), Part(_secondMoments), [_stepCount],
            learningRate, _spec.Beta1, _spec.Beta2, weightDecay, _spec.Epsilon, scale, skip);
    }

    private sealed record Slot(string Name, Parameter Parameter, Tensor Master, Tensor Gradient);
}
