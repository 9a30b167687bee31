using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// One unit's tensors on this rank. The parameters are views of <see cref="Compute"/>, so that gathering a unit is one operation on one
/// buffer and copies nothing. S: shards, n: elements of a shard.
/// </summary>
internal sealed class UnitState : IDisposable
{
    private readonly Tensor[] _owned;

    /// <summary>Moves the parameters' values into flat storage.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="shards">S.</param>
    /// <param name="shard">This rank's part.</param>
    /// <param name="sharedCompute">[at least S n], for blocks that are gathered only while they are at work: the buffer that they take turns in.</param>
    /// <param name="state">Views [n] fp32: master, first moment, second moment, gradient.</param>
    public UnitState(ParameterUnit unit, FlatLayout layout, int shards, int shard, Tensor? sharedCompute, Tensor[] state)
    {
        Unit = unit;
        Layout = layout;
        ShardLength = layout.ShardLength(shards);
        ShardStart = shard * ShardLength;
        (MasterShard, FirstMoment, SecondMoment, GradientShard) = (state[0], state[1], state[2], state[3]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var first = unit.Parameters[0].Value;
        var compute = zeros(shards * ShardLength, first.dtype, first.device);
        var parameters = unit.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        Slots = [.. layout.Slots.Select(slot => (parameters[slot.Name], slot))];
        foreach (var (parameter, slot) in Slots)
        {
            compute.narrow(0, slot.Offset, slot.Elements).copy_(parameter.flatten());
        }

        ComputeShard = compute.narrow(0, ShardStart, ShardLength);
        MasterShard.copy_(ComputeShard);
        if (sharedCompute is null)
        {
            Compute = compute.DetachFromDisposeScope();
            ComputeShard.DetachFromDisposeScope();
        }
        else
        {
            Compute = sharedCompute.narrow(0, 0, shards * ShardLength).DetachFromDisposeScope();
            ComputeShard = ComputeShard.clone().DetachFromDisposeScope();
        }

        foreach (var (parameter, slot) in Slots)
        {
            parameter.set_(Compute.narrow(0, slot.Offset, slot.Elements).view(parameter.shape));
        }

        _owned = [Compute, ComputeShard, .. state];
    }

    /// <summary>The unit.</summary>
    public ParameterUnit Unit { get; }

    /// <summary>Where its parameters lie.</summary>
    public FlatLayout Layout { get; }

    /// <summary>n.</summary>
    public long ShardLength { get; }

    /// <summary>First element of this rank's shard.</summary>
    public long ShardStart { get; }

    /// <summary>Parameters and their places.</summary>
    public IReadOnlyList<(Tensor Parameter, FlatSlot Slot)> Slots { get; }

    /// <summary>[S n] of the type that the model computes in.</summary>
    public Tensor Compute { get; }

    /// <summary>[n]: this rank's part of it.</summary>
    public Tensor ComputeShard { get; }

    /// <summary>[n] fp32.</summary>
    public Tensor MasterShard { get; }

    /// <summary>[n] fp32.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>[n] fp32.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>[n] fp32: the reduced gradient.</summary>
    public Tensor GradientShard { get; }

    /// <summary>The gathering of <see cref="Compute"/> that was started and not waited for yet.</summary>
    public Collective? Gathering { get; set; }

    /// <summary>Makes the parameters' values usable.</summary>
    public void WaitForGathering()
    {
        Gathering?.Wait();
        Gathering = null;
    }

    /// <summary>The part of the state between two elements of the shard, cut at the unit's end.</summary>
    public StateSlice Slice(long start, long length)
    {
        Tensor Part(Tensor flat) => flat.narrow(0, start - ShardStart, length).DetachFromDisposeScope();
        return new StateSlice(Unit.Name, start, length, Part(MasterShard), Part(FirstMoment), Part(SecondMoment));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _owned)
        {
            tensor.Dispose();
        }
    }
}
