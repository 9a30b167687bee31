using System.Buffers;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>A CPU tensor's bytes as memory, for reading and writing that takes its time.</summary>
public static class TensorBytes
{
    private const int LongestSegment = 1 << 30;

    /// <summary>The bytes of a contiguous CPU tensor, in segments of at most 1 GiB. The tensor must live as long as they are used.</summary>
    public static IReadOnlyList<Memory<byte>> Of(Tensor tensor)
    {
        var length = tensor.numel() * SafetensorsFormat.NameOf(tensor.dtype).Size;
        var segments = new List<Memory<byte>>();
        for (long offset = 0; offset < length; offset += LongestSegment)
        {
            segments.Add(new Segment(tensor, offset, (int)Math.Min(LongestSegment, length - offset)).Memory);
        }

        return segments;
    }

    private sealed class Segment(Tensor tensor, long offset, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => SafetensorsFormat.Bytes(tensor, offset, length);

        public override unsafe MemoryHandle Pin(int elementIndex = 0) => new((byte*)TensorMemory.Address(tensor) + offset + elementIndex, pinnable: this);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
