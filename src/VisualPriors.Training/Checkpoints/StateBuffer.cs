using VisualPriors.Distributed.Sharding;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Training.Checkpoints;

/// <summary>
/// The host copy that a checkpoint is written from: one rank's part as a safetensors file, made while training waits, written while it goes on.
/// Allocated once, so that copying is all that training waits for.
/// </summary>
internal sealed class StateBuffer : IDisposable
{
    private readonly (Tensor Source, Tensor Copy)[] _tensors;
    private readonly Tensor _memory;
    private readonly bool _isOnDevice;

    /// <summary>Makes room for what a rank saves.</summary>
    public StateBuffer(IReadOnlyList<StateSlice> slices)
    {
        var sources = slices.SelectMany(slice => new[]
        {
            ($"{slice.Unit}.master", slice.Master), ($"{slice.Unit}.first_moment", slice.FirstMoment), ($"{slice.Unit}.second_moment", slice.SecondMoment),
        }).ToList();
        _isOnDevice = slices.Count > 0 && slices[0].Master.device_type != TorchSharp.DeviceType.CPU;
        Header = SafetensorsHeader.Build(
            sources.Select(source => (source.Item1, source.Item2.dtype, (IReadOnlyList<long>)source.Item2.shape)),
            slices.ToDictionary(slice => $"{slice.Unit}.start", slice => slice.Start.ToString(System.Globalization.CultureInfo.InvariantCulture)));

        // Zeroed, so that the pages are there before the first save.
        using var zeroed = zeros(slices.Sum(slice => 3 * slice.Length), ScalarType.Float32, CPU);
        _memory = (_isOnDevice ? zeroed.pin_memory() : zeroed.alias()).DetachFromDisposeScope();
        long offset = 0;
        _tensors = [.. sources.Select(source =>
        {
            var copy = _memory.narrow(0, offset, source.Item2.numel()).DetachFromDisposeScope();
            offset += source.Item2.numel();
            return (source.Item2, copy);
        })];
    }

    /// <summary>What the part begins with.</summary>
    public byte[] Header { get; }

    /// <summary>Copies the state as it is now. Whoever calls it changes nothing of the state until it returns.</summary>
    public void Copy()
    {
        if (!_isOnDevice)
        {
            // Plain copies on all of libtorch's threads: one alone does not use all of the memory's bandwidth.
            CpuParallel.For(_tensors.Length, 1, (begin, end) =>
            {
                for (var i = begin; i < end; i++)
                {
                    TensorMemory.Copy(_tensors[i].Source, _tensors[i].Copy);
                }
            });
            return;
        }

        using var noGrad = no_grad();
        foreach (var (source, copy) in _tensors)
        {
            copy.copy_(source, nonBlocking: true);
        }

        cuda.synchronize();
    }

    /// <summary>The part's bytes: the header, then the copy.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Content => [Header, .. TensorBytes.Of(_memory)];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, copy) in _tensors)
        {
            copy.Dispose();
        }

        _memory.Dispose();
    }
}
