using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>One checkpoint's folder as a listing shows it, whole or not.</summary>
/// <param name="Folder">Which.</param>
/// <param name="Sizes">Sizes of its objects, by name within the folder.</param>
/// <param name="HasManifest">Whether its manifest is among them.</param>
internal sealed record CheckpointListing(CheckpointFolder Folder, IReadOnlyDictionary<string, long> Sizes, bool HasManifest)
{
    /// <summary>Every checkpoint's folder in a store, newest first: by step, then by attempt.</summary>
    public static async Task<List<CheckpointListing>> ReadAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var folders = new Dictionary<CheckpointFolder, Dictionary<string, long>>();
        await foreach (var item in store.ListAsync(CheckpointFolder.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (item.Name[CheckpointFolder.Prefix.Length..].Split('/') is [var name, var inner] && CheckpointFolder.TryParse(name) is { } folder)
            {
                if (!folders.TryGetValue(folder, out var sizes))
                {
                    folders.Add(folder, sizes = new Dictionary<string, long>(StringComparer.Ordinal));
                }

                sizes[inner] = item.Bytes;
            }
        }

        return [.. folders
            .Select(entry => new CheckpointListing(entry.Key, entry.Value, entry.Value.Keys.Any(name => entry.Key.ObjectOf(name) == entry.Key.Manifest)))
            .OrderByDescending(listing => listing.Folder.Step).ThenByDescending(listing => listing.Folder.Attempt)];
    }

    /// <summary>What a checkpoint lacks of what its manifest says; null when it is whole, as far as a listing can tell.</summary>
    public string? Lack(CheckpointManifest manifest)
    {
        foreach (var part in manifest.Parts)
        {
            if (!Sizes.TryGetValue(part.Name, out var bytes))
            {
                return $"part {part.Name} is missing";
            }

            if (bytes != part.Bytes)
            {
                return $"part {part.Name} has {bytes} bytes, not the {part.Bytes} of its manifest";
            }
        }

        return null;
    }
}
