using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using VisualPriors.Api.Errors;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>
/// A safetensors file opened for reading. The header is checked whole on opening (sizes, types, offsets, gaps), so a hostile file can
/// neither make it allocate more than the file holds nor read outside it; tensors are read one at a time, when asked for.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int ChunkLength = 1 << 24;
    private readonly SafeFileHandle _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(string path, SafeFileHandle file)
    {
        Path = path;
        _file = file;
        var fileLength = RandomAccess.GetLength(file);
        var header = ReadHeader(fileLength);
        _dataStart = sizeof(ulong) + header.Length;
        ParseHeader(header, fileLength - _dataStart);
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>Names of the tensors, in the header's order.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>The header's free text, by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is not a sound safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, "no readable file", "a safetensors file");
        }

        try
        {
            return new SafetensorsFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Element type of a tensor.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public ScalarType TypeOf(string name) => Find(name).Type;

    /// <summary>Shape of a tensor.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public IReadOnlyList<long> ShapeOf(string name) => Find(name).Shape;

    /// <summary>Reads one tensor into CPU memory, with the file's element type.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public Tensor Read(string name)
    {
        var entry = Find(name);
        var tensor = empty(entry.Shape, entry.Type, CPU);
        for (long done = 0; done < entry.Length;)
        {
            var chunk = SafetensorsFormat.Bytes(tensor, done, (int)Math.Min(ChunkLength, entry.Length - done));
            var read = RandomAccess.Read(_file, chunk, _dataStart + entry.Offset + done);
            done += read > 0 ? read : throw Wrong(name, "an end of file", $"{entry.Length} bytes");
        }

        return tensor;
    }

    /// <summary>Checks that a tensor is there and has a shape.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor, or one of another shape.</exception>
    public void CheckShape(string name, long[] shape)
    {
        if (Find(name).Shape is var found && !found.AsSpan().SequenceEqual(shape))
        {
            throw Wrong(name, Shape(found), Shape(shape));
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static string Shape(long[] shape) => $"shape [{string.Join(", ", shape)}]";

    private byte[] ReadHeader(long fileLength)
    {
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        if (fileLength < prefix.Length || RandomAccess.Read(_file, prefix, 0) < prefix.Length)
        {
            throw Wrong(null, $"{fileLength} bytes", "a safetensors file (at least a header length of 8 bytes)");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var most = (ulong)Math.Min(SafetensorsFormat.MaximumHeaderLength, fileLength - prefix.Length);
        if (length > most)
        {
            throw Wrong(null, $"a header length of {length}", $"a safetensors file with a header of at most {most} bytes");
        }

        var header = new byte[length];
        for (var done = 0; done < header.Length;)
        {
            var read = RandomAccess.Read(_file, header.AsSpan(done), prefix.Length + done);
            done += read > 0 ? read : throw Wrong(null, "an end of file inside the header", $"{length} bytes of header");
        }

        return header;
    }

    private void ParseHeader(byte[] header, long dataLength)
    {
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.NameEquals(SafetensorsFormat.MetadataKey))
                {
                    foreach (var pair in property.Value.EnumerateObject())
                    {
                        _metadata.Add(pair.Name, pair.Value.GetString() ?? "");
                    }
                }
                else
                {
                    _entries.Add(property.Name, ParseEntry(property, dataLength));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw Wrong("header", $"malformed JSON ({e.Message})", "an object of tensors, each with dtype, shape and data_offsets");
        }

        // The format allows neither gaps nor overlaps: they would hide bytes, or let two names share them.
        long end = 0;
        foreach (var (name, entry) in _entries.OrderBy(e => e.Value.Offset).ThenBy(e => e.Value.Length))
        {
            if (entry.Offset != end)
            {
                throw Wrong(name, $"data from offset {entry.Offset}", $"data from offset {end}, without gap or overlap");
            }

            end += entry.Length;
        }

        if (end != dataLength)
        {
            throw Wrong(null, $"{dataLength} bytes of data", $"the {end} bytes that the header tells of");
        }
    }

    private Entry ParseEntry(JsonProperty property, long dataLength)
    {
        var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        var (type, size) = SafetensorsFormat.TypeOf(typeName)
            ?? throw Wrong(property.Name, $"dtype {typeName}", "F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
        var shape = property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
        var offsets = property.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > dataLength)
        {
            throw Wrong(property.Name, $"data_offsets [{string.Join(", ", offsets)}]", $"two ascending offsets within 0..{dataLength}");
        }

        UInt128 length = (UInt128)size;
        foreach (var dimension in shape)
        {
            length = dimension >= 0 ? length * (UInt128)dimension : throw Wrong(property.Name, Shape(shape), "dimensions of at least 0");
            if (length > long.MaxValue)
            {
                throw Wrong(property.Name, Shape(shape), "a tensor that fits the file");
            }
        }

        return length == (UInt128)(offsets[1] - offsets[0])
            ? new Entry(type, shape, offsets[0], offsets[1] - offsets[0])
            : throw Wrong(property.Name, $"{offsets[1] - offsets[0]} bytes", $"{length} bytes for {typeName} of {Shape(shape)}");
    }

    private Entry Find(string name) =>
        _entries.TryGetValue(name, out var entry) ? entry : throw Wrong(name, "nothing", "a tensor of this name");

    private InvalidInputException Wrong(string? field, string found, string expected) => new(Path, field, found, expected);

    private sealed record Entry(ScalarType Type, long[] Shape, long Offset, long Length);
}
