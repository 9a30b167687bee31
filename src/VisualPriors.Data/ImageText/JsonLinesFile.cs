using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.ImageText;

/// <summary>
/// A file of one JSON object a line, indexed by where lines begin, so that a set of millions takes 8 bytes a sample. Every line is
/// parsed once when the file is opened: what is wrong is known before anything is computed.
/// </summary>
/// <typeparam name="T">What a line becomes.</typeparam>
internal sealed class JsonLinesFile<T> : IDisposable
{
    /// <summary>Longest line that is read; bytes.</summary>
    private const int MaximumLine = 4 * 1024 * 1024;

    private readonly string _path;
    private readonly Func<JsonRecord, int, T> _parse;
    private readonly SafeFileHandle _handle;
    private readonly List<(long Offset, int Length, int Line)> _lines = [];

    /// <summary>Opens a file and parses each of its lines; empty ones are passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parse">Makes something of a line and its index.</param>
    /// <exception cref="InvalidInputException">There is no such file, no line in it, or a line that does not parse.</exception>
    public JsonLinesFile(string path, Func<JsonRecord, int, T> parse)
    {
        _path = path;
        _parse = parse;
        try
        {
            _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : e.Message, "a file of JSON lines");
        }

        try
        {
            Index();
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    /// <summary>Lines that hold something.</summary>
    public int Count => _lines.Count;

    /// <summary>Parses a line.</summary>
    public T this[int index]
    {
        get
        {
            var (offset, length, line) = _lines[index];
            var bytes = new byte[length];
            var read = RandomAccess.Read(_handle, bytes, offset);
            if (read != length)
            {
                throw new InvalidInputException(_path, null, "the end of the file", "the line that was there before", line);
            }

            return Parse(bytes, index, line);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void Index()
    {
        var buffer = new byte[MaximumLine + 1];
        long offset = 0;
        int filled = 0, line = 0;
        while (true)
        {
            var read = RandomAccess.Read(_handle, buffer.AsSpan(filled), offset + filled);
            filled += read;
            var begin = 0;
            while (begin < filled)
            {
                var length = buffer.AsSpan(begin, filled - begin).IndexOf((byte)'\n');
                if (length < 0 && read > 0)
                {
                    break;
                }

                length = length < 0 ? filled - begin : length;
                line++;
                Add(buffer.AsMemory(begin, length), offset + begin, line);
                begin += length + 1;
            }

            if (read == 0)
            {
                break;
            }

            if (begin == 0 && filled == buffer.Length)
            {
                throw new InvalidInputException(_path, null, "a longer line", $"at most {MaximumLine} bytes", line + 1);
            }

            buffer.AsSpan(begin, filled - begin).CopyTo(buffer);
            filled -= begin;
            offset += begin;
        }

        if (_lines.Count == 0)
        {
            throw new InvalidInputException(_path, null, "an empty file", "a JSON object on each line");
        }
    }

    private void Add(ReadOnlyMemory<byte> bytes, long offset, int line)
    {
        if (bytes.Span.IndexOfAnyExcept(" \t\r"u8) < 0)
        {
            return;
        }

        _ = Parse(bytes, _lines.Count, line);
        _lines.Add((offset, bytes.Length, line));
    }

    private T Parse(ReadOnlyMemory<byte> bytes, int index, int line)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(_path, null, e.Message, "a JSON object", line);
        }

        using (document)
        {
            return _parse(new JsonRecord(_path, line, "", document.RootElement), index);
        }
    }
}
