using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>Writes safetensors files.</summary>
public static class SafetensorsWriter
{
    private const int ChunkLength = 1 << 24;

    /// <summary>Writes tensors (from any device, of any strides) to a new file, in the order given; a file in its place is replaced.</summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static void Write(
        string path, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var file = File.Create(path);
        file.Write(SafetensorsHeader.Build(tensors.Select(t => (t.Name, t.Value.dtype, (IReadOnlyList<long>)t.Value.shape)), metadata));
        foreach (var (_, value) in tensors)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var flat = value.cpu().contiguous();
            var length = flat.numel() * SafetensorsFormat.NameOf(flat.dtype).Size;
            for (long done = 0; done < length; done += ChunkLength)
            {
                file.Write(SafetensorsFormat.Bytes(flat, done, (int)Math.Min(ChunkLength, length - done)));
            }
        }
    }

    /// <summary>A tensor's bytes (from any device, of any strides) as a file has them, in chunks.</summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static IReadOnlyList<byte[]> Bytes(Tensor value)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var flat = value.cpu().contiguous();
        var length = flat.numel() * SafetensorsFormat.NameOf(flat.dtype).Size;
        var chunks = new List<byte[]>();
        for (long done = 0; done < length; done += ChunkLength)
        {
            chunks.Add(SafetensorsFormat.Bytes(flat, done, (int)Math.Min(ChunkLength, length - done)).ToArray());
        }

        return chunks;
    }
}
