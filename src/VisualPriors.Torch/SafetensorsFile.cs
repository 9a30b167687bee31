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
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle file)
    {
        Path = path;
        _file = file;
        var length = RandomAccess.GetLength(file);
        _header = SafetensorsHeader.Parse(ReadHeader(length), length, path);
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>Names of the tensors, in the header's order.</summary>
    public IReadOnlyCollection<string> Names => [.. _header.Entries.Keys];

    /// <summary>The header's free text, by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

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
        var tensor = empty([.. entry.Shape], entry.Type, CPU);
        for (long done = 0; done < entry.Length;)
        {
            var chunk = SafetensorsFormat.Bytes(tensor, done, (int)Math.Min(ChunkLength, entry.Length - done));
            var read = RandomAccess.Read(_file, chunk, _header.DataStart + entry.Offset + done);
            done += read > 0 ? read : throw Wrong(name, "an end of file", $"{entry.Length} bytes");
        }

        return tensor;
    }

    /// <summary>Checks that a tensor is there and has a shape.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor, or one of another shape.</exception>
    public void CheckShape(string name, long[] shape)
    {
        if (Find(name).Shape is var found && !found.SequenceEqual(shape))
        {
            throw Wrong(name, SafetensorsHeader.Describe(found), SafetensorsHeader.Describe(shape));
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private byte[] ReadHeader(long fileLength)
    {
        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
        var header = new byte[SafetensorsHeader.ReadLength(prefix[..RandomAccess.Read(_file, prefix, 0)], fileLength, Path)];
        for (var done = 0; done < header.Length;)
        {
            var read = RandomAccess.Read(_file, header.AsSpan(done), prefix.Length + done);
            done += read > 0 ? read : throw Wrong(null, "an end of file inside the header", $"{header.Length} bytes of header");
        }

        return header;
    }

    private SafetensorsEntry Find(string name) =>
        _header.Entries.TryGetValue(name, out var entry) ? entry : throw Wrong(name, "nothing", "a tensor of this name");

    private InvalidInputException Wrong(string? field, string found, string expected) => new(Path, field, found, expected);
}
