using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// AdamW over fp32 masters of the parameters that a model computes with (of any type), shared out among ranks by ZeRO stage (Rajbhandari et
/// al. 2020). Every unit is one flat vector: gradients are reduced to this rank's part of it while the backward pass goes on, the part is
/// updated, and the parts are gathered again, beside the next forward pass. Nothing waits for the device: clipping and the refusal of
/// non-finite gradients are device scalars, the same on every rank. One rank is the same code with one part.
/// </summary>
public sealed class ShardedAdamW : IDisposable
{
    private readonly OptimizerSpec _spec;
    private readonly UnitState[] _units; // in the order of the forward pass
    private readonly GatheredBlocks? _gathered;
    private readonly GradientReduction _reduction;
    private readonly ICommunicator _shardGroup;
    private readonly ICommunicator _replicaGroup;
    private readonly List<ICommunicator> _ownedGroups = [];
    private readonly Tensor[] _state; // masters, first moments, second moments, gradients: all units' shards one after another
    private readonly Tensor[] _decayed; // views of _state's four, then the same four of the next unit, ...
    private readonly Tensor[] _plain;
    private readonly Tensor _ownNorm; // [2]: one fp64 number as the sum of two fp32
    private readonly Tensor _allNorms; // [2 S]: every shard's
    private readonly Tensor _stepCount; // scalar: steps taken, skipped ones not counted
    private readonly Tensor _infinity;
    private readonly Tensor _one;

    /// <summary>Takes parameters over: their present values, the same on every rank, become the masters. Every rank calls it.</summary>
    /// <param name="units">All that is trained, in the order of the forward pass; one device, one type within a unit.</param>
    /// <param name="spec">Settings.</param>
    /// <param name="world">The ranks.</param>
    /// <param name="sharding">What they share out. With ZeRO stage 3, blocks must run through a <see cref="BlockExecutor"/>.</param>
    public ShardedAdamW(IReadOnlyList<ParameterUnit> units, OptimizerSpec spec, World world, ShardingSpec sharding)
    {
        _spec = spec;
        var topology = ShardTopology.Of(world.Rank, world.Size, world.LocalSize, sharding);
        _shardGroup = GroupOf(world, topology.ShardRanks);
        _replicaGroup = GroupOf(world, topology.ReplicaRanks);
        var shards = _shardGroup.Size;
        var layouts = units.Select(unit => FlatLayout.Of(unit.Parameters.Select(p => (p.Name, p.Value.numel(), p.Decay)))).ToList();
        var device = units[0].Parameters[0].Value.device;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor Zeros(params long[] shape) => zeros(shape, ScalarType.Float32, device).DetachFromDisposeScope();
        var total = layouts.Sum(layout => layout.ShardLength(shards));
        _state = [Zeros(total), Zeros(total), Zeros(total), Zeros(total)];
        (_ownNorm, _allNorms, _stepCount, GradientNorm) = (Zeros(2), Zeros(2 * shards), Zeros(), Zeros());
        _infinity = full([], float.PositiveInfinity, ScalarType.Float32, device).DetachFromDisposeScope();
        _one = ones([], ScalarType.Float32, device).DetachFromDisposeScope();

        _gathered = sharding.ZeroStage >= 3 && shards > 1 ? GatheredBlocks.Of(units, layouts, _shardGroup) : null;
        _units = new UnitState[units.Count];
        long offset = 0;
        for (var i = 0; i < units.Count; i++)
        {
            var length = layouts[i].ShardLength(shards);
            var views = _state.Select(flat => flat.narrow(0, offset, length).DetachFromDisposeScope()).ToArray();
            _units[i] = new UnitState(units[i], layouts[i], shards, _shardGroup.Rank, _gathered?.BufferOf(units[i]), views);
            offset += length;
        }

        _gathered?.Take(_units);
        _reduction = new GradientReduction(_units, _shardGroup, _replicaGroup, sharding.ZeroStage);
        _decayed = [.. _units.SelectMany(unit => Part(unit, 0, unit.Layout.DecayedLength))];
        _plain = [.. _units.SelectMany(unit => Part(unit, unit.Layout.DecayedLength, long.MaxValue))];
        HeldState = [.. SlicesOf((unit, shardLength) => ShardTopology.SavedPart(unit.Layout.Length, shardLength, _shardGroup.Rank, 0, 1))];
        SavedState = _replicaGroup.Size == 1
            ? HeldState
            : [.. SlicesOf((unit, shardLength) => ShardTopology.SavedPart(
                unit.Layout.Length, shardLength, _shardGroup.Rank, _replicaGroup.Rank, _replicaGroup.Size))];
    }

    /// <summary>Global norm of the last step's gradients, before clipping: an fp32 scalar on the device, not finite when the step was skipped.</summary>
    public Tensor GradientNorm { get; }

    /// <summary>Every unit's name and elements, in the order of the forward pass: the same however state is shared out.</summary>
    public IEnumerable<(string Name, long Elements)> Units => _units.Select(unit => (unit.Unit.Name, unit.Layout.Length));

    /// <summary>Everything that this rank holds of the state: what is filled when state is loaded.</summary>
    public IReadOnlyList<StateSlice> HeldState { get; }

    /// <summary>What this rank writes of it: all ranks' together are the whole, each element once.</summary>
    public IReadOnlyList<StateSlice> SavedState { get; }

    /// <summary>Runs the backward pass of one micro-batch; gradients are taken off the parameters, summed and reduced as it goes.</summary>
    /// <param name="loss">Scalar: this micro-batch's part of the step's loss.</param>
    /// <param name="isLast">Whether it is the step's last micro-batch on this rank.</param>
    public void Backward(Tensor loss, bool isLast)
    {
        _reduction.Begin(isLast);
        loss.backward();
        _reduction.End();
    }

    /// <summary>
    /// Takes one step from the gradients of the backward passes since the last: clips by the global norm, updates the masters, refreshes the
    /// parameters. Gradients whose norm is not finite change nothing, on any rank.
    /// </summary>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _reduction.Complete();
        TakeNorm();
        var taken = GradientNorm.less(_infinity).to(ScalarType.Float32); // 0 for NaN, too
        var skip = _one.Minus(taken);
        var scale = _spec.GradientClip > 0 ? maximum(GradientNorm.Times(1 / _spec.GradientClip), _one) : _one;
        _stepCount.PlusInPlace(taken);
        Update(_decayed, learningRate, _spec.WeightDecay, scale, skip);
        Update(_plain, learningRate, 0, scale, skip);
        RefreshParameters();
    }

    /// <summary>The exact weights by parameter name, fp32, shaped like the parameters. Every rank calls it.</summary>
    /// <param name="keep">Whether this rank wants them; the others get none.</param>
    /// <returns>Tensors that belong to the current dispose scope: views of the masters where this rank holds all of them, else copies in host memory.</returns>
    public IReadOnlyList<(string Name, Tensor Master)> GatherMasters(bool keep)
    {
        using var noGrad = no_grad();
        var masters = new List<(string, Tensor)>();
        foreach (var unit in _units)
        {
            using var scope = NewDisposeScope();
            var whole = unit.MasterShard;
            if (_shardGroup.Size > 1)
            {
                whole = empty(unit.ShardLength * _shardGroup.Size, ScalarType.Float32, unit.MasterShard.device);
                _shardGroup.AllGather(unit.MasterShard, whole).Wait();
            }

            if (keep)
            {
                masters.AddRange(unit.Slots.Select(item => (
                    item.Slot.Name,
                    whole.narrow(0, item.Slot.Offset, item.Slot.Elements).cpu().view(item.Parameter.shape).MoveToOuterDisposeScope())));
            }
        }

        return masters;
    }

    /// <summary>Sets masters to exact weights, where the parameters hold rounded ones: for a model that goes on from fp32 files.</summary>
    /// <param name="weights">An fp32 tensor, of the parameter's shape, for names of parameters.</param>
    public void Restore(IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var noGrad = no_grad();
        var slots = _units.SelectMany(unit => unit.Layout.Slots.Select(slot => (unit, slot))).ToDictionary(item => item.slot.Name, StringComparer.Ordinal);
        foreach (var (name, value) in weights)
        {
            using var scope = NewDisposeScope();
            var (unit, slot) = slots[name];
            var start = Math.Max(slot.Offset, unit.ShardStart);
            var length = Math.Min(slot.Offset + slot.Elements, unit.ShardStart + unit.ShardLength) - start;
            if (length > 0)
            {
                unit.MasterShard.narrow(0, start - unit.ShardStart, length).copy_(value.flatten().narrow(0, start - slot.Offset, length));
            }
        }
    }

    /// <summary>Goes on from state that was put into <see cref="HeldState"/>. Every rank calls it.</summary>
    /// <param name="stepsTaken">Updates made so far, skipped ones not counted.</param>
    public void Resume(long stepsTaken)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _stepCount.copy_(tensor((float)stepsTaken));
        RefreshParameters();
    }

    /// <summary>Releases state, buffers and groups; the parameters stay.</summary>
    public void Dispose()
    {
        _reduction.Dispose();
        _gathered?.Dispose();
        foreach (var tensor in HeldState.Concat(SavedState).SelectMany(slice => new[] { slice.Master, slice.FirstMoment, slice.SecondMoment })
            .Concat(_decayed).Concat(_plain).Concat(_state).Concat([_ownNorm, _allNorms, _stepCount, _infinity, _one, GradientNorm]))
        {
            tensor.Dispose();
        }

        foreach (var disposable in _units.Cast<IDisposable>().Concat(_ownedGroups))
        {
            disposable.Dispose();
        }
    }

    /// <summary>The unit of a block; null where the block is not trained.</summary>
    internal int? UnitOf(int layer)
    {
        var index = Array.FindIndex(_units, unit => unit.Unit.Layer == layer);
        return index < 0 ? null : index;
    }

    /// <summary>Makes a block's parameters, and those of what follows the last block, usable.</summary>
    /// <param name="unit">The block's unit.</param>
    /// <param name="isForward">Whether the pass goes forward: the next block's gathering is started ahead.</param>
    internal void Prepare(int unit, bool isForward)
    {
        if (_gathered is null)
        {
            _units[unit].WaitForGathering();
        }
        else
        {
            _gathered.Prepare(unit, isForward);
        }

        for (var after = unit + 1; after < _units.Length && _units[after].Unit.Layer is null; after++)
        {
            _units[after].WaitForGathering();
        }
    }

    /// <summary>The backward pass has come to a unit's input.</summary>
    internal void Reach(int unit) => _reduction.Reach(unit);

    private ICommunicator GroupOf(World world, IReadOnlyList<int> ranks)
    {
        if (ranks.Count == world.Size)
        {
            return world.Everyone;
        }

        var group = world.CreateGroup(ranks);
        _ownedGroups.Add(group);
        return group;
    }

    private IEnumerable<StateSlice> SlicesOf(Func<UnitState, long, (long Start, long Length)> rangeOf)
    {
        foreach (var unit in _units)
        {
            var (start, length) = rangeOf(unit, unit.ShardLength);
            if (length > 0)
            {
                yield return unit.Slice(start, length);
            }
        }
    }

    /// <summary>This rank's part of a unit's elements from <paramref name="start"/> to <paramref name="end"/>: master, moments and gradient; nothing where there is none.</summary>
    private static IEnumerable<Tensor> Part(UnitState unit, long start, long end)
    {
        var first = Math.Max(start - unit.ShardStart, 0);
        var length = Math.Min(end - unit.ShardStart, unit.ShardLength) - first;
        return length <= 0
            ? []
            : new[] { unit.MasterShard, unit.FirstMoment, unit.SecondMoment, unit.GradientShard }
                .Select(flat => flat.narrow(0, first, length).DetachFromDisposeScope());
    }

    private void TakeNorm()
    {
        if (_shardGroup.Size > 1 && _replicaGroup.Size > 1)
        {
            _replicaGroup.AllReduce(_state[3]).Wait();
        }

        // In fp64, so that the norm comes out the same (but for the last bit of fp32) however gradients are shared out: clipping would hand any
        // difference on to every weight.
        var norm = Norm(stack(_units.Select(unit =>
        {
            // Released at once: never more than one unit is there a second time, and twice as wide.
            using var wide = unit.GradientShard.to(ScalarType.Float64);
            return Norm(wide);
        })));
        if (_shardGroup.Size > 1)
        {
            // Communicators carry fp32: what one fp32 cannot hold of a number goes in a second.
            var high = norm.to(ScalarType.Float32);
            _ownNorm.copy_(stack([high, norm.Minus(high).to(ScalarType.Float32)]));
            _shardGroup.AllGather(_ownNorm, _allNorms).Wait();
            norm = Norm(_allNorms.view(-1, 2).to(ScalarType.Float64).sum(dim: 1));
        }

        GradientNorm.copy_(norm);
    }

    private static Tensor Norm(Tensor values) => linalg.vector_norm(values, ord: 2);

    private void Update(Tensor[] parts, double learningRate, double weightDecay, Tensor scale, Tensor skip)
    {
        if (parts.Length == 0)
        {
            return;
        }

        Tensor[] Every(int which) => [.. parts.Where((_, i) => i % _state.Length == which)];
        TorchOps.FusedAdamW(
            Every(0), Every(3), Every(1), Every(2), [.. Enumerable.Repeat(_stepCount, parts.Length / _state.Length)],
            learningRate, _spec.Beta1, _spec.Beta2, weightDecay, _spec.Epsilon, scale, skip);
    }

    /// <summary>Rounds the masters into the parameters. Units that the next forward pass comes to later are gathered beside it.</summary>
    private void RefreshParameters()
    {
        _gathered?.Forget();
        var firstBlock = Array.FindIndex(_units, unit => unit.Unit.Layer is not null);
        foreach (var unit in _units)
        {
            unit.ComputeShard.copy_(unit.MasterShard);
            if (_shardGroup.Size > 1 && (_gathered is null || unit.Unit.Layer is null))
            {
                unit.Gathering = _shardGroup.AllGather(unit.ComputeShard, unit.Compute);
            }
        }

        foreach (var unit in firstBlock < 0 ? _units : _units[..firstBlock])
        {
            unit.WaitForGathering();
        }
    }
}
