using VisualPriors.Api.Errors;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>A model's weights in a folder, opened for reading: one safetensors file, or several that an index ties together.</summary>
public sealed class SafetensorsSet : IDisposable
{
    private readonly string _path;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);

    private SafetensorsSet(string path) => _path = path;

    /// <summary>Names of all tensors, file by file, in the headers' order.</summary>
    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <summary>Opens a folder's weights and checks every header against the index, if there is one.</summary>
    /// <exception cref="InvalidInputException">A file is missing or unsound, or index and files do not fit each other.</exception>
    public static SafetensorsSet Open(string directory)
    {
        var single = Path.Combine(directory, SafetensorsIndex.SingleFileName);
        var index = Path.Combine(directory, SafetensorsIndex.FileName);
        var set = new SafetensorsSet(File.Exists(single) || !File.Exists(index) ? single : index);
        try
        {
            if (set._path == single)
            {
                set.Add(single);
            }
            else
            {
                set.AddAll(directory, SafetensorsIndex.Parse(ReadIndex(index), index));
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>Element type of a tensor.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor.</exception>
    public ScalarType TypeOf(string name) => Find(name).TypeOf(name);

    /// <summary>Shape of a tensor.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor.</exception>
    public IReadOnlyList<long> ShapeOf(string name) => Find(name).ShapeOf(name);

    /// <summary>Reads one tensor into CPU memory, with the file's element type.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor.</exception>
    public Tensor Read(string name) => Find(name).Read(name);

    /// <summary>Checks that a tensor is there and has a shape.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor, or one of another shape.</exception>
    public void CheckShape(string name, long[] shape) => Find(name).CheckShape(name, shape);

    /// <summary>Closes the files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static byte[] ReadIndex(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > SafetensorsIndex.MaximumBytes)
            {
                throw new InvalidInputException(path, null, $"{stream.Length} bytes", $"an index of at most {SafetensorsIndex.MaximumBytes} bytes");
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, "no readable file", "an index of safetensors files");
        }
    }

    private void AddAll(string directory, IReadOnlyDictionary<string, string> fileOf)
    {
        foreach (var name in fileOf.Values.Distinct().Order(StringComparer.Ordinal))
        {
            var file = Add(Path.Combine(directory, name));
            SafetensorsIndex.Check(fileOf, name, file.Names, file.Path);
        }
    }

    private SafetensorsFile Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (var name in file.Names)
        {
            _fileOf[name] = file;
        }

        return file;
    }

    private SafetensorsFile Find(string name) =>
        _fileOf.TryGetValue(name, out var file) ? file : throw new InvalidInputException(_path, name, "nothing", "a tensor of this name");
}
