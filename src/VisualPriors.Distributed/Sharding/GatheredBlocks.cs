using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// ZeRO 3: blocks' parameters lie in shards and are gathered only while a block works, into two buffers that the blocks take turns in (all
/// blocks are laid out alike), the next block's beside the work of this one. S: shards, n: elements of a shard.
/// </summary>
internal sealed class GatheredBlocks : IDisposable
{
    private const int Buffers = 2;
    private readonly Tensor[] _buffers; // [S n] each
    private readonly ICommunicator _shardGroup;
    private readonly int?[] _resident = new int?[Buffers];
    private UnitState[] _units = [];

    private GatheredBlocks(Tensor[] buffers, ICommunicator shardGroup)
    {
        _buffers = buffers;
        _shardGroup = shardGroup;
    }

    /// <summary>Buffers for a model's blocks; null where it has none that are trained.</summary>
    /// <exception cref="ArgumentException">The blocks are not laid out alike.</exception>
    public static GatheredBlocks? Of(IReadOnlyList<ParameterUnit> units, IReadOnlyList<FlatLayout> layouts, ICommunicator shardGroup)
    {
        var blocks = Enumerable.Range(0, units.Count).Where(i => units[i].Layer is not null).ToList();
        if (blocks.Count == 0)
        {
            return null;
        }

        if (blocks.Any(i => layouts[i].Length != layouts[blocks[0]].Length))
        {
            throw new ArgumentException("with ZeRO stage 3 all blocks must be laid out alike", nameof(units));
        }

        var first = units[blocks[0]].Parameters[0].Value;
        var length = layouts[blocks[0]].ShardLength(shardGroup.Size) * shardGroup.Size;
        return new GatheredBlocks(
            [.. Enumerable.Range(0, Buffers).Select(_ => zeros(length, first.dtype, first.device).DetachFromDisposeScope())], shardGroup);
    }

    /// <summary>The buffer that a unit is gathered into; null for what is no block.</summary>
    public Tensor? BufferOf(ParameterUnit unit) => unit.Layer is { } layer ? _buffers[layer % Buffers] : null;

    /// <summary>Tells the units, once they are made.</summary>
    public void Take(UnitState[] units) => _units = units;

    /// <summary>Makes a block's parameters usable and starts gathering the next one's.</summary>
    public void Prepare(int unit, bool isForward)
    {
        Gather(unit);
        _units[unit].WaitForGathering();
        var next = unit + (isForward ? 1 : -1);
        if (next >= 0 && next < _units.Length && _units[next].Unit.Layer is not null)
        {
            Gather(next);
        }
    }

    /// <summary>The parameters have changed: nothing that was gathered is good any more.</summary>
    public void Forget()
    {
        foreach (var resident in _resident)
        {
            if (resident is { } unit)
            {
                _units[unit].WaitForGathering();
            }
        }

        Array.Clear(_resident);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    private void Gather(int unit)
    {
        var buffer = _units[unit].Unit.Layer!.Value % Buffers;
        if (_resident[buffer] != unit)
        {
            if (_resident[buffer] is { } before)
            {
                _units[before].WaitForGathering();
            }

            _resident[buffer] = unit;
            _units[unit].Gathering = _shardGroup.AllGather(_units[unit].ComputeShard, _units[unit].Compute);
        }
    }
}
