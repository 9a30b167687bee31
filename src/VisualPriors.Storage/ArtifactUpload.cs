using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage;

/// <summary>Publishes an artifact: files first, the manifest last, unless there is one.</summary>
internal static class ArtifactUpload
{
    private const int ObjectsInFlight = 4;

    /// <summary>Publishes to a store that was opened at the artifact's own address.</summary>
    public static async Task<PublishedArtifact> RunAsync(Artifact artifact, IObjectStore store, CancellationToken cancellationToken)
    {
        if (await TryFindSameAsync(artifact, store, cancellationToken).ConfigureAwait(false) is { } same)
        {
            return new PublishedArtifact(same, WasThere: true, UploadedBytes: 0);
        }

        var there = await ArtifactStore.ListObjectsAsync(store, cancellationToken).ConfigureAwait(false);
        long uploaded = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = ObjectsInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(ArtifactLayout.Of(artifact.Manifest), options, async (item, token) =>
        {
            if (there.GetValueOrDefault(item.Name, -1) != item.Bytes)
            {
                await UploadAsync(artifact, item, store, token).ConfigureAwait(false);
                Interlocked.Add(ref uploaded, item.Bytes);
            }
        }).ConfigureAwait(false);

        var manifest = artifact.ReadManifest();
        var isFirst = await store.TryCreateAsync(ArtifactManifest.FileName, manifest, cancellationToken).ConfigureAwait(false) is not null;
        var stored = isFirst
            ? new StoredArtifact(artifact.Manifest, artifact.Digest)
            : await TryFindSameAsync(artifact, store, cancellationToken).ConfigureAwait(false)
                ?? throw new StoreException($"create of {ArtifactStore.Describe(store, ArtifactManifest.FileName)}: it was there, and then no more");
        await RemoveUnnamedAsync(stored, store, cancellationToken).ConfigureAwait(false);
        return new PublishedArtifact(stored, !isFirst, uploaded);
    }

    /// <summary>What lies there, if it passes for this artifact: another attempt at a stage gives other times, but the same stage.</summary>
    /// <exception cref="InvalidInputException">Another artifact lies there.</exception>
    private static async Task<StoredArtifact?> TryFindSameAsync(Artifact artifact, IObjectStore store, CancellationToken cancellationToken)
    {
        if (await ArtifactStore.TryReadManifestAsync(store, cancellationToken).ConfigureAwait(false) is not { } found)
        {
            return null;
        }

        var isSame = artifact.Manifest.StageDigest is { } stage ? found.Manifest.StageDigest == stage : found.Digest == artifact.Digest;
        return isSame ? found : throw new InvalidInputException(store.Address, null, Name(found.Manifest, found.Digest), $"{Name(artifact.Manifest, artifact.Digest)}, or nothing");
    }

    private static string Name(ArtifactManifest manifest, string digest) =>
        manifest.StageDigest is { } stage ? $"{manifest.Kind} of stage {stage}" : $"{manifest.Kind} with digest {digest}";

    private static async Task UploadAsync(Artifact artifact, ArtifactObject item, IObjectStore store, CancellationToken cancellationToken)
    {
        var content = item.Files is [var single] ? Read(artifact, single) : Pack(artifact, item);
        try
        {
            await store.WriteAsync(item.Name, content, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Others that send the same object at the same moment may take each other's blocks away; one of them is done, then.
            var there = await ArtifactStore.ListObjectsAsync(store, cancellationToken).ConfigureAwait(false);
            if (!there.TryGetValue(item.Name, out var bytes) || bytes != item.Bytes)
            {
                throw;
            }
        }
    }

    /// <summary>Copies small files together: mapping thousands at once would come to the end of what a process may map.</summary>
    private static IReadOnlyList<ReadOnlyMemory<byte>> Pack(Artifact artifact, ArtifactObject item)
    {
        var pack = new byte[item.Bytes];
        var position = 0;
        foreach (var segment in item.Files.SelectMany(file => Read(artifact, file)))
        {
            segment.CopyTo(pack.AsMemory(position));
            position += segment.Length;
        }

        return [pack];
    }

    /// <summary>A file's content, of the size and the hash that the manifest says: nobody would look at an object again before it is wanted.</summary>
    private static IReadOnlyList<ReadOnlyMemory<byte>> Read(Artifact artifact, ArtifactFile file)
    {
        var path = artifact.PathOf(file.Path);
        var content = MappedFile.Open(path);
        return Hash(content) is var hash && hash == file.Sha256
            ? content
            : throw new InvalidInputException(path, null, $"SHA-256 {hash}", $"{file.Sha256}, as {ArtifactManifest.FileName} says");
    }

    private static string Hash(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in content)
        {
            hash.AppendData(segment.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Removes what publishers left that were killed, or came second with other content. Nobody who is still sending such files can commit them any
    /// more: the manifest is there.
    /// </summary>
    private static async Task RemoveUnnamedAsync(StoredArtifact stored, IObjectStore store, CancellationToken cancellationToken)
    {
        try
        {
            var named = ArtifactLayout.Of(stored.Manifest).Select(item => item.Name).ToHashSet(StringComparer.Ordinal);
            var there = await ArtifactStore.ListObjectsAsync(store, cancellationToken).ConfigureAwait(false);
            foreach (var name in there.Keys.Where(name => !named.Contains(name)))
            {
                await store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            // The artifact is there all the same, and what lies beside it harms nobody.
        }
    }
}
