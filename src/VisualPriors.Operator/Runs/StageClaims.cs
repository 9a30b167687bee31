using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Runs;

/// <summary>
/// Keeps two workers from starting the same stage at once. A run claims its stage when it looks whether it may start, and gives the claim up once
/// its status is written: from then on the caches tell the others. Only the leader reconciles, so memory is enough.
/// </summary>
internal sealed class StageClaims(RunCatalog runs)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RunEntity> _claims = new(StringComparer.Ordinal);

    /// <summary>Claims a stage for a run, unless another goes first.</summary>
    /// <returns>That other; null where the claim is <paramref name="run"/>'s.</returns>
    public RunEntity? Claim(RunEntity run, string digest)
    {
        lock (_lock)
        {
            var other = _claims.TryGetValue(digest, out var holder) && holder.Metadata.Uid != run.Metadata.Uid ? holder : runs.Competitor(run, digest);
            if (other is null)
            {
                _claims[digest] = run;
            }

            return other;
        }
    }

    /// <summary>Gives up what a run has claimed. Not where its status may be written or not: it holds on until it knows.</summary>
    public void Release(RunEntity run)
    {
        lock (_lock)
        {
            foreach (var (digest, holder) in _claims)
            {
                if (holder.Metadata.Uid == run.Metadata.Uid)
                {
                    _claims.Remove(digest);
                }
            }
        }
    }
}
