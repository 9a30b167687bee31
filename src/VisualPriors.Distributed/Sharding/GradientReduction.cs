using VisualPriors.Distributed.Communication;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// Takes gradients off parameters as a backward pass completes them, sums them in fp32 over micro-batches, and reduces them over ranks while
/// the pass goes on. ZeRO 0 and 1 keep every unit's whole gradient and reduce it after the last micro-batch; ZeRO 2 and 3 have two buffers
/// that units take turns in, and reduce after every micro-batch.
/// </summary>
internal sealed class GradientReduction : IDisposable
{
    private const int Buffers = 2;
    private readonly IReadOnlyList<UnitState> _units;
    private readonly ICommunicator _shardGroup;
    private readonly ICommunicator _replicaGroup;
    private readonly bool _isTransient;
    private readonly Tensor[] _full; // [S n] fp32: one a unit, or Buffers for all in turn
    private readonly Tensor[] _scattered; // [n] fp32: where later micro-batches' reduced gradients arrive
    private readonly List<(Collective Operation, Action Then)>[] _inFlight;
    private int _next;
    private bool _isFirst = true;
    private bool _isLast;

    /// <summary>Allocates what the ZeRO stage needs.</summary>
    public GradientReduction(IReadOnlyList<UnitState> units, ICommunicator shardGroup, ICommunicator replicaGroup, int zeroStage)
    {
        _units = units;
        _shardGroup = shardGroup;
        _replicaGroup = replicaGroup;
        _isTransient = zeroStage >= 2 && shardGroup.Size > 1;
        var device = units[0].GradientShard.device;
        Tensor Zeros(long length) => zeros(length, ScalarType.Float32, device).DetachFromDisposeScope();
        var longest = units.Max(unit => unit.ShardLength);
        _full = shardGroup.Size == 1 ? []
            : _isTransient ? [.. Enumerable.Range(0, Buffers).Select(_ => Zeros(longest * shardGroup.Size))]
            : [.. units.Select(unit => Zeros(unit.ShardLength * shardGroup.Size))];
        _scattered = _isTransient ? [.. Enumerable.Range(0, Buffers).Select(_ => Zeros(longest))] : [];
        _inFlight = [.. Enumerable.Range(0, Math.Max(1, _full.Length)).Select(_ => new List<(Collective, Action)>())];
    }

    /// <summary>Begins the backward pass of a micro-batch.</summary>
    /// <param name="isLast">Whether it is the step's last.</param>
    public void Begin(bool isLast)
    {
        _next = _units.Count - 1;
        _isLast = isLast;
    }

    /// <summary>The pass has come to a unit's input: the gradients of this unit and of all that follow it in the model are complete.</summary>
    public void Reach(int unit)
    {
        using var noGrad = no_grad();
        for (; _next >= unit; _next--)
        {
            Take(_next);
        }
    }

    /// <summary>Ends the backward pass.</summary>
    public void End()
    {
        Reach(0);
        _isFirst = false;
    }

    /// <summary>Waits until every unit's reduced gradient is in its shard; the next pass begins a new step.</summary>
    public void Complete()
    {
        for (var buffer = 0; buffer < _inFlight.Length; buffer++)
        {
            Complete(buffer);
        }

        _isFirst = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _full.Concat(_scattered))
        {
            tensor.Dispose();
        }
    }

    private void Take(int index)
    {
        using var scope = NewDisposeScope();
        var unit = _units[index];
        var buffer = _full.Length == 0 ? 0 : _isTransient ? index % Buffers : index;
        if (_isTransient)
        {
            Complete(buffer); // the unit before in this buffer
        }

        var full = _full.Length == 0 ? unit.GradientShard : _full[buffer].narrow(0, 0, unit.ShardLength * _shardGroup.Size);
        var add = !_isFirst && !_isTransient;
        long end = 0;
        foreach (var (parameter, slot) in unit.Slots)
        {
            ClearGap(full, end, slot.Offset);
            TakeGradient(parameter, full.narrow(0, slot.Offset, slot.Elements).view(parameter.shape), add);
            end = slot.Offset + slot.Elements;
        }

        ClearGap(full, end, full.numel());
        if (_isLast || _isTransient)
        {
            Reduce(unit, buffer, full);
        }
    }

    private void Reduce(UnitState unit, int buffer, Tensor full)
    {
        if (_shardGroup.Size == 1)
        {
            if (_replicaGroup.Size > 1)
            {
                _inFlight[0].Add((_replicaGroup.AllReduce(full), () => { }));
            }
        }
        else if (_isTransient && !_isFirst)
        {
            var arrived = _scattered[buffer].narrow(0, 0, unit.ShardLength).DetachFromDisposeScope();
            _inFlight[buffer].Add((_shardGroup.ReduceScatter(full.DetachFromDisposeScope(), arrived), () =>
            {
                unit.GradientShard.PlusInPlace(arrived);
                arrived.Dispose();
                full.Dispose();
            }
            ));
        }
        else
        {
            _inFlight[buffer].Add((_shardGroup.ReduceScatter(full.DetachFromDisposeScope(), unit.GradientShard), full.Dispose));
        }
    }

    private void Complete(int buffer)
    {
        foreach (var (operation, then) in _inFlight[buffer])
        {
            operation.Wait();
            then();
        }

        _inFlight[buffer].Clear();
    }

    /// <summary>Places between parameters are summed, too: what an earlier reduction left there must not be.</summary>
    private static void ClearGap(Tensor full, long start, long end)
    {
        if (end > start)
        {
            full.narrow(0, start, end - start).zero_();
        }
    }

    private static void TakeGradient(Tensor parameter, Tensor destination, bool add)
    {
        using var gradient = parameter.grad;
        if (gradient is null)
        {
            if (!add)
            {
                destination.zero_();
            }
        }
        else if (add)
        {
            destination.PlusInPlace(gradient);
        }
        else
        {
            destination.copy_(gradient);
        }

        parameter.grad = null;
    }
}
