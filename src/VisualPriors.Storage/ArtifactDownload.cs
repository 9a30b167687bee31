using System.Buffers;
using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage;

/// <summary>Fetches an artifact: files in parallel, and pieces of one file, too, each file hashed in order as it arrives.</summary>
internal static class ArtifactDownload
{
    private const int PieceBytes = 8 << 20;
    private const int FilesInFlight = 4;
    private const int PiecesInFlightOfOneFile = 4;

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

        await CheckSizesAsync(store, stored.Manifest, cancellationToken).ConfigureAwait(false);
        using var writer = new ArtifactWriter(directory);
        var options = new ParallelOptions { MaxDegreeOfParallelism = FilesInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(stored.Manifest.Files.GroupBy(file => file.Sha256), options, async (files, token) =>
        {
            var first = writer.PathOf(files.First().Path);
            await FetchFileAsync(store, files.First(), first, token).ConfigureAwait(false);
            foreach (var copy in files.Skip(1))
            {
                File.Copy(first, writer.PathOf(copy.Path));
            }
        }).ConfigureAwait(false);
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
    private static async Task CheckSizesAsync(IObjectStore store, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        var sizes = await ArtifactStore.ListFilesAsync(store, cancellationToken).ConfigureAwait(false);
        var errors = manifest.Files.DistinctBy(file => file.Sha256)
            .Where(file => sizes.GetValueOrDefault(file.Sha256, -1) != file.Bytes)
            .Select(file => new InputError(
                ArtifactStore.Describe(store, ArtifactStore.ObjectOf(file)),
                null,
                sizes.TryGetValue(file.Sha256, out var bytes) ? $"{bytes} bytes" : "no such object",
                $"{file.Path} of {file.Bytes} bytes, as {ArtifactManifest.FileName} says"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new InvalidInputException(errors);
        }
    }

    private static async Task FetchFileAsync(IObjectStore store, ArtifactFile file, string path, CancellationToken cancellationToken)
    {
        var name = ArtifactStore.ObjectOf(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var target = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, file.Bytes);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pieces = new Queue<(long Offset, Task<Piece> Read)>();
        try
        {
            for (long next = 0; next < file.Bytes || pieces.Count > 0;)
            {
                while (next < file.Bytes && pieces.Count < PiecesInFlightOfOneFile)
                {
                    var length = (int)Math.Min(PieceBytes, file.Bytes - next);
                    pieces.Enqueue((next, ReadAsync(store, name, next, length, stop.Token)));
                    next += length;
                }

                using var piece = await pieces.Peek().Read.ConfigureAwait(false);
                hash.AppendData(piece.Memory.Span);
                await RandomAccess.WriteAsync(target, piece.Memory, pieces.Dequeue().Offset, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            // None must be writing to its memory when that is given back.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var (_, read) in pieces)
            {
                await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            throw;
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) is var actual && actual != file.Sha256)
        {
            throw new InvalidInputException(ArtifactStore.Describe(store, name), null, $"SHA-256 {actual}", $"its name, for {file.Path}");
        }
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
