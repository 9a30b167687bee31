using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text.Json;
using VisualPriors.Api.Errors;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>One tensor as a safetensors header tells of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Shape.</param>
/// <param name="Offset">Where its bytes begin, counted from the first byte after the header.</param>
/// <param name="Length">Its bytes.</param>
public sealed record SafetensorsEntry(string Name, ScalarType Type, IReadOnlyList<long> Shape, long Offset, long Length);

/// <summary>
/// A safetensors header, from and to bytes, wherever they lie. Parsing checks it whole (sizes, types, offsets, gaps), so a hostile one can
/// neither make a reader allocate more than the file holds nor read outside it.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>Bytes before the header: its length.</summary>
    public const int PrefixLength = sizeof(ulong);

    private const int Alignment = 8;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);

    private SafetensorsHeader(FrozenDictionary<string, string> metadata, long dataStart)
    {
        Metadata = metadata;
        DataStart = dataStart;
    }

    /// <summary>The tensors, by name, in the header's order.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>Free text, by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Where the tensors' bytes begin in the file.</summary>
    public long DataStart { get; }

    /// <summary>Reads the header's length from a file's first <see cref="PrefixLength"/> bytes.</summary>
    /// <param name="prefix">Those bytes, or fewer where the file has no more.</param>
    /// <param name="fileLength">The file's length.</param>
    /// <param name="source">The file, for errors.</param>
    /// <exception cref="InvalidInputException">The file cannot hold such a header.</exception>
    public static int ReadLength(ReadOnlySpan<byte> prefix, long fileLength, string source)
    {
        if (fileLength < PrefixLength || prefix.Length < PrefixLength)
        {
            throw new InvalidInputException(source, null, $"{fileLength} bytes", "a safetensors file (at least a header length of 8 bytes)");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var most = (ulong)Math.Min(SafetensorsFormat.MaximumHeaderLength, fileLength - PrefixLength);
        return length <= most
            ? (int)length
            : throw new InvalidInputException(source, null, $"a header length of {length}", $"a safetensors file with a header of at most {most} bytes");
    }

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">The bytes after the prefix, as many as it says.</param>
    /// <param name="fileLength">The file's length.</param>
    /// <param name="source">The file, for errors.</param>
    /// <exception cref="InvalidInputException">It is not the header of a sound safetensors file of that length.</exception>
    public static SafetensorsHeader Parse(ReadOnlyMemory<byte> json, long fileLength, string source)
    {
        var dataStart = PrefixLength + json.Length;
        var dataLength = fileLength - dataStart;
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var entries = new List<SafetensorsEntry>();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals(SafetensorsFormat.MetadataKey))
                {
                    foreach (var pair in property.Value.EnumerateObject())
                    {
                        metadata.Add(pair.Name, pair.Value.GetString() ?? "");
                    }
                }
                else
                {
                    entries.Add(ParseEntry(property, dataLength, source));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InvalidInputException(
                source, "header", $"malformed JSON ({e.Message})", "an object of tensors, each with dtype, shape and data_offsets");
        }

        CheckOffsets(entries, dataLength, source);
        var header = new SafetensorsHeader(metadata.ToFrozenDictionary(StringComparer.Ordinal), dataStart);
        foreach (var entry in entries)
        {
            header._entries.Add(entry.Name, entry);
        }

        return header;
    }

    /// <summary>Makes a file's beginning, up to the first tensor's bytes; the tensors follow in the order given, without gaps.</summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static byte[] Build(
        IEnumerable<(string Name, ScalarType Type, IReadOnlyList<long> Shape)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        stream.SetLength(PrefixLength);
        stream.Position = PrefixLength;
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
            foreach (var (name, type, shape) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsFormat.NameOf(type).Name);
                json.WriteStartArray("shape");
                foreach (var dimension in shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += BytesOf(type, shape));
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
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - PrefixLength);
        return bytes;
    }

    /// <summary>Bytes of a tensor.</summary>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    public static long BytesOf(ScalarType type, IReadOnlyList<long> shape) =>
        checked(shape.Aggregate((long)SafetensorsFormat.NameOf(type).Size, (product, dimension) => product * dimension));

    /// <summary>A shape, for messages.</summary>
    internal static string Describe(IReadOnlyList<long> shape) => $"shape [{string.Join(", ", shape)}]";

    /// <summary>The format allows neither gaps nor overlaps: they would hide bytes, or let two names share them.</summary>
    private static void CheckOffsets(IEnumerable<SafetensorsEntry> entries, long dataLength, string source)
    {
        long end = 0;
        foreach (var entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset != end)
            {
                throw new InvalidInputException(source, entry.Name, $"data from offset {entry.Offset}", $"data from offset {end}, without gap or overlap");
            }

            end += entry.Length;
        }

        if (end != dataLength)
        {
            throw new InvalidInputException(source, null, $"{dataLength} bytes of data", $"the {end} bytes that the header tells of");
        }
    }

    private static SafetensorsEntry ParseEntry(JsonProperty property, long dataLength, string source)
    {
        var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        var (type, size) = SafetensorsFormat.TypeOf(typeName)
            ?? throw Wrong($"dtype {typeName}", "F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
        var shape = property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
        var offsets = property.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > dataLength)
        {
            throw Wrong($"data_offsets [{string.Join(", ", offsets)}]", $"two ascending offsets within 0..{dataLength}");
        }

        UInt128 length = (UInt128)size;
        foreach (var dimension in shape)
        {
            length = dimension >= 0 ? length * (UInt128)dimension : throw Wrong(Describe(shape), "dimensions of at least 0");
            if (length > long.MaxValue)
            {
                throw Wrong(Describe(shape), "a tensor that fits the file");
            }
        }

        return length == (UInt128)(offsets[1] - offsets[0])
            ? new SafetensorsEntry(property.Name, type, shape, offsets[0], offsets[1] - offsets[0])
            : throw Wrong($"{offsets[1] - offsets[0]} bytes", $"{length} bytes for {typeName} of {Describe(shape)}");

        InvalidInputException Wrong(string found, string expected) => new(source, property.Name, found, expected);
    }
}
