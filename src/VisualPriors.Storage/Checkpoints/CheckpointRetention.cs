using VisualPriors.Api.Resources;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>Which checkpoints' objects may be deleted.</summary>
internal static class CheckpointRetention
{
    /// <summary>Chooses folders to delete; what a running save may be writing is never among them.</summary>
    /// <param name="listings">Every folder.</param>
    /// <param name="fence">The fence, held by us.</param>
    /// <param name="whole">Those that count and are whole.</param>
    /// <param name="policy">What to keep.</param>
    public static IReadOnlyList<CheckpointListing> Deletable(
        IReadOnlyList<CheckpointListing> listings, CheckpointFence fence, IReadOnlySet<CheckpointFolder> whole, CheckpointSpec policy)
    {
        var newestFirst = whole.OrderByDescending(folder => folder.Step).ThenByDescending(folder => folder.Attempt).ToArray();
        var kept = newestFirst.Take(Math.Max(1, policy.KeepLast))
            .Concat(newestFirst.Where(folder => policy.KeepEverySteps > 0 && folder.Step % policy.KeepEverySteps == 0))
            .ToHashSet();
        var newest = newestFirst.FirstOrDefault()?.Step;
        var newestOwn = listings.Where(listing => listing.HasManifest && listing.Folder.Attempt == fence.Attempt).Max(listing => (long?)listing.Folder.Step);
        return [.. listings.Where(IsDeletable)];

        bool IsDeletable(CheckpointListing listing)
        {
            var isCommitted = listing.HasManifest && fence.Counts(listing.Folder);
            return !kept.Contains(listing.Folder) && listing.Folder.Attempt.CompareTo(fence.Attempt) switch
            {
                // An earlier attempt's: what never was a checkpoint, or came too late to be one, or was half deleted; or what is left of an older one.
                < 0 => !isCommitted || listing.Folder.Step < newest,
                // Our own without a manifest may be the save that is running, unless a later one is done.
                0 => listing.Folder.Step < (isCommitted ? newest : newestOwn),
                // A later attempt's is not ours to judge.
                _ => false,
            };
        }
    }
}
