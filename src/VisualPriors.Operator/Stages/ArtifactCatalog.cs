using System.Collections.Concurrent;
using VisualPriors.Storage;

namespace VisualPriors.Operator.Stages;

/// <summary>Manifests of artifacts in the store. Those of data sets are remembered for a while: a thousand runs of one study name the same few.</summary>
internal sealed class ArtifactCatalog(TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, (DateTimeOffset Until, StoredArtifact Artifact)> _data = new(StringComparer.Ordinal);

    /// <summary>A data set, as it was at most a minute ago; null where there is none.</summary>
    /// <exception cref="Storage.Objects.StoreException">The store cannot be reached or refuses.</exception>
    public async Task<StoredArtifact?> DataAsync(string address, CancellationToken cancellationToken)
    {
        if (_data.TryGetValue(address, out var known) && known.Until > time.GetUtcNow())
        {
            return known.Artifact;
        }

        var found = await ArtifactStore.TryReadManifestAsync(address, cancellationToken).ConfigureAwait(false);
        if (found is not null)
        {
            _data[address] = (time.GetUtcNow() + Remembered, found);
        }

        return found;
    }

    /// <summary>A stage's artifact, as it is now; null where there is none.</summary>
    /// <exception cref="Storage.Objects.StoreException">The store cannot be reached or refuses.</exception>
    public static Task<StoredArtifact?> StageAsync(string address, CancellationToken cancellationToken) => ArtifactStore.TryReadManifestAsync(address, cancellationToken);
}
