using System.Buffers;
using VisualPriors.Api.Errors;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage;

/// <summary>Fetches an artifact: objects in parallel, and pieces of one object, too, each file hashed in order as it arrives.</summary>
internal static class ArtifactDownload
{
    private const int PieceBytes = 8 << 20;
    private const int ObjectsInFlight = 4;
    private const int PiecesInFlightOfOneObject = 4;

    /// <summary>Fetches from a store that was opened at the artifact's own address.</summary>
    public static async Task<Artifact> RunAsync(IObjectStore store, string directory, Action<StoredArtifact> accept, CancellationToken cancellationToken)
    {
        var found = await ArtifactStore.TryReadAsync(store, cancellationToken).ConfigureAwait(false);
        if (found is not var (stored, manifest))
        {
            throw new InvalidInputException(store.Address, null, $"no artifact (no {ArtifactManifest.FileName})", "a finished artifact");
        }

        accept(stored);
        if (TryReuse(directory, stored.Digest, cancellationToken) is { } reused)
        {
            return reused;
        }

        var objects = ArtifactLayout.Of(stored.Manifest);
        await CheckSizesAsync(store, objects, cancellationToken).ConfigureAwait(false);
        using var writer = new ArtifactWriter(directory);
        var options = new ParallelOptions { MaxDegreeOfParallelism = ObjectsInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(objects, options, async (item, token) =>
        {
            using var files = new ArtifactUnpacker(item, ArtifactStore.Describe(store, item.Name), writer.PathOf);
            await FetchAsync(store, item, files, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        foreach (var files in stored.Manifest.Files.GroupBy(file => file.Sha256))
        {
            foreach (var copy in files.Skip(1))
            {
                File.Copy(writer.PathOf(files.First().Path), writer.PathOf(copy.Path));
            }
        }

        return writer.CommitFetched(manifest);
    }

    private static Artifact? TryReuse(string directory, string digest, CancellationToken cancellationToken)
    {
        if (!Artifact.Exists(directory))
        {
            return null;
        }

        try
        {
            var artifact = Artifact.Open(directory);
            if (artifact.Digest != digest)
            {
                return null;
            }

            artifact.Verify(cancellationToken);
            return artifact;
        }
        catch (InvalidInputException)
        {
            // Damaged: fetched anew.
            return null;
        }
    }

    /// <summary>Finds what is missing or short before anything is fetched, or room for it taken.</summary>
    private static async Task CheckSizesAsync(IObjectStore store, IReadOnlyList<ArtifactObject> objects, CancellationToken cancellationToken)
    {
        var sizes = await ArtifactStore.ListObjectsAsync(store, cancellationToken).ConfigureAwait(false);
        var errors = objects
            .Where(item => sizes.GetValueOrDefault(item.Name, -1) != item.Bytes)
            .Select(item => new InputError(
                ArtifactStore.Describe(store, item.Name),
                null,
                sizes.TryGetValue(item.Name, out var bytes) ? $"{bytes} bytes" : "no such object",
                $"{(item.Files is [var single] ? single.Path : $"{item.Files.Count} files")} of {item.Bytes} bytes, as {ArtifactManifest.FileName} says"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new InvalidInputException(errors);
        }
    }

    private static async Task FetchAsync(IObjectStore store, ArtifactObject item, ArtifactUnpacker files, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pieces = new Queue<Task<Piece>>();
        try
        {
            for (long next = 0; next < item.Bytes || pieces.Count > 0;)
            {
                while (next < item.Bytes && pieces.Count < PiecesInFlightOfOneObject)
                {
                    var length = (int)Math.Min(PieceBytes, item.Bytes - next);
                    pieces.Enqueue(ReadAsync(store, item.Name, next, length, stop.Token));
                    next += length;
                }

                using var piece = await pieces.Peek().ConfigureAwait(false);
                _ = pieces.Dequeue();
                await files.WriteAsync(piece.Memory, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            // None must be writing to its memory when that is given back.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var read in pieces)
            {
                await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            throw;
        }

        files.Complete();
    }

    private static async Task<Piece> ReadAsync(IObjectStore store, string name, long offset, int length, CancellationToken cancellationToken)
    {
        var piece = new Piece(length);
        try
        {
            await store.ReadRangeAsync(name, offset, piece.Memory, cancellationToken).ConfigureAwait(false);
            return piece;
        }
        catch
        {
            piece.Dispose();
            throw;
        }
    }

    private sealed class Piece(int length) : IDisposable
    {
        private readonly byte[] _bytes = ArrayPool<byte>.Shared.Rent(length);

        public Memory<byte> Memory => _bytes.AsMemory(0, length);

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
    }
}
