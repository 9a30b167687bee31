using System.Buffers;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace VisualPriors.Storage;

/// <summary>
/// A file's content as memory that costs none: the page cache's. It is unmapped when nobody refers to it any more and not before: a request
/// that was given up may still be reading.
/// </summary>
internal sealed unsafe class MappedFile : MemoryManager<byte>
{
    private const int MaximumSegmentBytes = 1 << 30;
    private readonly SafeMemoryMappedViewHandle _view;
    private readonly byte* _pointer;
    private readonly int _length;

    private MappedFile(SafeMemoryMappedViewHandle view, long offset, int length)
    {
        _view = view;
        _pointer = (byte*)view.DangerousGetHandle() + offset;
        _length = length;
    }

    /// <summary>The content, in segments.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Open(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var length = file.Length;
        if (length == 0)
        {
            return [];
        }

        using var mapped = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        var view = mapped.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read).SafeMemoryMappedViewHandle;
        return [.. Enumerable.Range(0, (int)((length + MaximumSegmentBytes - 1) / MaximumSegmentBytes))
            .Select(i => (ReadOnlyMemory<byte>)new MappedFile(view, (long)i * MaximumSegmentBytes, (int)Math.Min(MaximumSegmentBytes, length - ((long)i * MaximumSegmentBytes))).Memory)];
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(_pointer, _length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_pointer + elementIndex, pinnable: this);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => GC.KeepAlive(_view);
}
