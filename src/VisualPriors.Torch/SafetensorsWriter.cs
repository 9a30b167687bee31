using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>Writes safetensors files.</summary>
public static class SafetensorsWriter
{
    private const int ChunkLength = 1 << 24;
    private const int Alignment = 8;

    /// <summary>Writes tensors (from any device, of any strides) to a new file, in the order given; a file in its place is replaced.</summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static void Write(
        string path, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var file = File.Create(path);
        file.Write(Header(tensors, metadata));
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

    /// <summary>
    /// What a file begins with: the header's length (8 bytes) and the header, for tensors in the order given, whose bytes follow without gaps.
    /// </summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static byte[] Header(IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var stream = new MemoryStream();
        stream.Write(stackalloc byte[sizeof(ulong)]);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject(SafetensorsFormat.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var (name, value) in tensors)
            {
                var (type, size) = SafetensorsFormat.NameOf(value.dtype);
                json.WriteStartObject(name);
                json.WriteString("dtype", type);
                json.WriteStartArray("shape");
                foreach (var dimension in value.shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += value.numel() * size);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // The data begins at a multiple of 8 bytes, so that it can be mapped into memory.
        while (stream.Length % Alignment != 0)
        {
            stream.WriteByte((byte)' ');
        }

        var bytes = stream.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)(bytes.Length - sizeof(ulong)));
        return bytes;
    }
}
