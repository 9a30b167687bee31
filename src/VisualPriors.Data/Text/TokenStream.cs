using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text;

/// <summary>A file of token ids, memory-mapped: reading a window touches only its pages. Safe for use by several threads.</summary>
internal sealed class TokenStream : IDisposable
{
    private const int Chunk = 1024;
    private readonly string _path;
    private readonly int _tokenBytes;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    /// <summary>Maps a file.</summary>
    /// <exception cref="InvalidInputException">It is missing or does not hold exactly that many tokens.</exception>
    public TokenStream(string path, long tokens, int tokenBytes)
    {
        var length = File.Exists(path) ? new FileInfo(path).Length : -1;
        if (length < 0 || tokens <= 0 || length / tokenBytes != tokens || length % tokenBytes != 0)
        {
            throw new InvalidInputException(
                path, null, length < 0 ? "no such file" : $"{length} bytes", $"{tokens} tokens of {tokenBytes} bytes, as {CorpusFile.FileName} says");
        }

        _path = path;
        _tokenBytes = tokenBytes;
        Count = tokens;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>Number of tokens.</summary>
    public long Count { get; }

    /// <summary>Copies the tokens from <paramref name="first"/> on. Allocates nothing.</summary>
    public void Read(long first, Span<long> tokens)
    {
        Span<ushort> narrow = stackalloc ushort[Chunk];
        Span<uint> wide = MemoryMarshal.Cast<ushort, uint>(narrow);
        for (var done = 0; done < tokens.Length;)
        {
            var offset = (ulong)(first + done) * (ulong)_tokenBytes;
            var part = tokens[done..];
            if (_tokenBytes == sizeof(ushort))
            {
                var read = narrow[..Math.Min(narrow.Length, part.Length)];
                _view.SafeMemoryMappedViewHandle.ReadSpan(offset, read);
                for (var i = 0; i < read.Length; i++)
                {
                    part[i] = read[i];
                }

                done += read.Length;
            }
            else
            {
                var read = wide[..Math.Min(wide.Length, part.Length)];
                _view.SafeMemoryMappedViewHandle.ReadSpan(offset, read);
                for (var i = 0; i < read.Length; i++)
                {
                    part[i] = read[i];
                }

                done += read.Length;
            }
        }
    }

    /// <summary>Reads every token and checks that it is of the vocabulary.</summary>
    /// <exception cref="InvalidInputException">One is not; names the first.</exception>
    public void Validate(int vocabularySize, CancellationToken cancellationToken)
    {
        var tokens = new long[1 << 16];
        for (long first = 0; first < Count; first += tokens.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = tokens.AsSpan(0, (int)Math.Min(tokens.Length, Count - first));
            Read(first, part);
            var bad = part.IndexOfAnyExceptInRange(0, vocabularySize - 1);
            if (bad >= 0)
            {
                throw new InvalidInputException(
                    _path, $"token {first + bad}", $"id {part[bad]}", $"ids below the vocabulary's size, {vocabularySize}");
            }
        }
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
