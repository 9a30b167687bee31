using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage;

/// <summary>
/// Artifacts in an object store. One lies at an address of its own, as <c>artifact.json</c> (the very bytes of the folder's, so of the same
/// digest) and the objects of <see cref="ArtifactLayout"/>. Those are named by their content, so that no upload that is retried, or runs beside
/// another, can damage what another has committed; the manifest comes last and is never replaced: an artifact is there when it is.
/// </summary>
public static class ArtifactStore
{
    /// <summary>Reads the manifest at an artifact's address; null where no artifact lies. Reads one small object.</summary>
    /// <exception cref="InvalidInputException">The address is malformed, or what lies there is no manifest.</exception>
    /// <exception cref="StoreException">The store cannot be reached or refuses.</exception>
    public static Task<StoredArtifact?> TryReadManifestAsync(string address, CancellationToken cancellationToken) =>
        TryReadManifestAsync(ObjectStores.Open(address), cancellationToken);

    /// <summary>
    /// Brings an artifact to an address, every file hashed once more on its way. Where the artifact of the same stage, or the same prepared data,
    /// lies already, nothing is changed: whoever comes second finds it done.
    /// </summary>
    /// <exception cref="InvalidInputException">The address is malformed, another artifact lies there, or a file is not what the manifest says.</exception>
    /// <exception cref="StoreException">The store is full, cannot be reached, or refuses.</exception>
    public static Task<PublishedArtifact> PublishAsync(Artifact artifact, string address, CancellationToken cancellationToken) =>
        ArtifactUpload.RunAsync(artifact, ObjectStores.Open(address), cancellationToken);

    /// <summary>
    /// Brings the artifact at an address to a folder, where it appears whole or not at all, every file hashed while it is written. A folder that
    /// holds it already, undamaged, is left as it is.
    /// </summary>
    /// <param name="address">Where it lies.</param>
    /// <param name="directory">Folder that it is to appear at; an older artifact there is replaced.</param>
    /// <param name="accept">Sees the manifest before anything is fetched; throws where it is not what is wanted.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="InvalidInputException">No artifact lies there, or a damaged one, or the folder is not ours to write.</exception>
    /// <exception cref="StoreException">The store cannot be reached or refuses.</exception>
    /// <exception cref="IOException">The disk is full, or refuses.</exception>
    public static Task<Artifact> FetchAsync(string address, string directory, Action<StoredArtifact> accept, CancellationToken cancellationToken) =>
        ArtifactDownload.RunAsync(ObjectStores.Open(address), directory, accept, cancellationToken);

    /// <summary>Reads the manifest of an opened store.</summary>
    internal static async Task<StoredArtifact?> TryReadManifestAsync(IObjectStore store, CancellationToken cancellationToken) =>
        await TryReadAsync(store, cancellationToken).ConfigureAwait(false) is var (artifact, _) ? artifact : null;

    /// <summary>The same, with the manifest's bytes.</summary>
    internal static async Task<(StoredArtifact Artifact, byte[] Bytes)?> TryReadAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var content = await store.TryReadAsync(ArtifactManifest.FileName, ArtifactManifestReader.MaximumBytes, cancellationToken).ConfigureAwait(false);
        if (content is null)
        {
            return null;
        }

        var where = Describe(store, ArtifactManifest.FileName);
        var manifest = ArtifactManifestReader.Read(where, content.Bytes);
        Check(where, manifest);
        return (new StoredArtifact(manifest, Convert.ToHexStringLower(SHA256.HashData(content.Bytes))), content.Bytes);
    }

    /// <summary>An object as errors call it.</summary>
    internal static string Describe(IObjectStore store, string name) => $"{store.Address.TrimEnd('/')}/{name}";

    /// <summary>Sizes of the objects with files that lie in a store, by name.</summary>
    internal static async Task<Dictionary<string, long>> ListObjectsAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var item in store.ListAsync(ArtifactLayout.Prefix, cancellationToken).ConfigureAwait(false))
        {
            sizes[item.Name] = item.Bytes;
        }

        return sizes;
    }

    /// <summary>Refuses manifests that could write outside a folder, read other objects, or that no folder can be made of.</summary>
    private static void Check(string where, ArtifactManifest manifest)
    {
        var errors = new List<InputError>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
        {
            if (ArtifactManifestReader.CheckPath(where, file, seen) is { } error)
            {
                errors.Add(error);
            }
            else if (file.Sha256.Length != SHA256.HashSizeInBytes * 2 || !file.Sha256.All(char.IsAsciiHexDigitLower))
            {
                errors.Add(new InputError(where, $"sha256 of {file.Path}", $"'{file.Sha256}'", "64 lower-case hexadecimal digits"));
            }
            else if (file.Bytes < 0 || (!sizes.TryAdd(file.Sha256, file.Bytes) && sizes[file.Sha256] != file.Bytes))
            {
                errors.Add(new InputError(where, $"bytes of {file.Path}", $"{file.Bytes}", "a size, the same for every file of one content"));
            }
        }

        foreach (var folder in manifest.Files.SelectMany(file => FoldersOf(file.Path)).Distinct(StringComparer.Ordinal).Where(seen.Contains))
        {
            errors.Add(new InputError(where, "files", $"'{folder}' for a file and for a folder", "either"));
        }

        if (errors.Count > 0)
        {
            throw new InvalidInputException(errors);
        }
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.IndexOf('/'); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            yield return path[..slash];
        }
    }
}

/// <summary>An artifact that lies in an object store.</summary>
/// <param name="Manifest">What it consists of.</param>
/// <param name="Digest">Content digest: SHA-256 of the manifest's bytes.</param>
public sealed record StoredArtifact(ArtifactManifest Manifest, string Digest);

/// <summary>What came of publishing an artifact.</summary>
/// <param name="Stored">What lies at the address now.</param>
/// <param name="WasThere">Whether it lay there already, or another publisher was first: then <paramref name="Stored"/> is that one's.</param>
/// <param name="UploadedBytes">Bytes sent by this publisher.</param>
public sealed record PublishedArtifact(StoredArtifact Stored, bool WasThere, long UploadedBytes);
