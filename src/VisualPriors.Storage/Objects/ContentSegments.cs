namespace VisualPriors.Storage.Objects;

/// <summary>Bytes that lie in several pieces of memory, seen as one sequence.</summary>
internal sealed class ContentSegments
{
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _segments;
    private readonly long[] _starts; // [segments + 1]

    /// <summary>Sees segments as one sequence, first one first.</summary>
    public ContentSegments(IReadOnlyList<ReadOnlyMemory<byte>> segments)
    {
        _segments = segments;
        _starts = new long[segments.Count + 1];
        for (var i = 0; i < segments.Count; i++)
        {
            _starts[i + 1] = _starts[i] + segments[i].Length;
        }
    }

    /// <summary>Bytes in all.</summary>
    public long Length => _starts[^1];

    /// <summary>The pieces of memory of a range, in order; none is empty.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Slice(long offset, long length)
    {
        // The last segment that begins at or before the offset; empty ones before it begin there too.
        var found = Array.BinarySearch(_starts, offset);
        for (var i = found >= 0 ? found : ~found - 1; i < _segments.Count && length > 0; i++)
        {
            var from = (int)Math.Max(0, offset - _starts[i]);
            var count = (int)Math.Min(_segments[i].Length - from, length);
            if (count > 0)
            {
                yield return _segments[i].Slice(from, count);
                offset += count;
                length -= count;
            }
        }
    }

    /// <summary>A range's bytes as a stream that can be read again.</summary>
    public Stream OpenRead(long offset, long length) => new RangeStream(this, offset, length);

    private sealed class RangeStream(ContentSegments content, long start, long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var read = 0;
            foreach (var piece in content.Slice(start + Position, Math.Min(buffer.Length, length - Position)))
            {
                piece.Span.CopyTo(buffer[read..]);
                read += piece.Length;
            }

            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => Position,
            _ => length,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
