using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Storage;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Trainer.Pods;

/// <summary>What a node's launcher does around its ranks where inputs, artifact or both lie in an object store.</summary>
/// <param name="planPath">The plan's file, for errors.</param>
/// <param name="plan">The plan, with its addresses.</param>
/// <param name="local">The plan as the ranks see it, with folders.</param>
/// <param name="isFirstNode">Whether this node has rank 0.</param>
/// <param name="attempt">Number of the attempt, where somebody counts them.</param>
/// <param name="report">Hears what is done.</param>
/// <param name="log">Takes lines for people.</param>
internal sealed class StoredStage(
    string planPath, StagePlan plan, StagePlan local, bool isFirstNode, long? attempt, Action<ProgressReport> report, Action<string> log)
{
    /// <summary>Clearing up is a courtesy: it must not hold up the end.</summary>
    private static readonly TimeSpan ClearingTime = TimeSpan.FromSeconds(60);

    private readonly string _digest = StageDigest.Of(plan.Computation);

    private bool IsPublished => ScratchPlaces.IsAddress(plan.Placement.Output);

    /// <summary>The recorded outcome, where another attempt has finished the stage already; null where it is still to be computed.</summary>
    /// <exception cref="InvalidInputException">Something else lies at the artifact's address.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public async Task<StageOutcome?> TryFindFinishedAsync(CancellationToken stop)
    {
        if (!IsPublished || await ArtifactStore.TryReadManifestAsync(plan.Placement.Output, stop).ConfigureAwait(false) is not { } stored)
        {
            return null;
        }

        log($"the artifact is there already, with digest {stored.Digest}: nothing is left to do");
        var outcome = OutcomeOf(stored);
        await RemoveCheckpointsAsync(stop).ConfigureAwait(false);
        return outcome;
    }

    /// <summary>Fetches the inputs that lie in a store.</summary>
    /// <exception cref="InvalidInputException">An input is not there, damaged, or not the one that the plan expects.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    /// <exception cref="IOException">The scratch folder is full, or cannot be written.</exception>
    public async Task FetchInputsAsync(CancellationToken stop)
    {
        var inputs = plan.Placement.Inputs.Where(input => ScratchPlaces.IsAddress(input.Value)).ToList();
        if (inputs.Count > 0)
        {
            report(new ProgressReport { Phase = "loading", Step = 0, TotalSteps = 0 });
        }

        foreach (var (role, address) in inputs)
        {
            var expected = ScratchPlaces.DigestOf(planPath, plan, role);
            var artifact = await ArtifactStore.FetchAsync(address, local.Placement.Inputs[role], stored => Check(role, address, expected, stored), stop).ConfigureAwait(false);
            log($"input {role}: {artifact.Manifest.Files.Sum(file => file.Bytes)} bytes from {address}");
        }
    }

    /// <summary>Publishes what the ranks gave; the outcome is then the published artifact's.</summary>
    /// <param name="outcome">The ranks' outcome.</param>
    /// <param name="last">The last progress that rank 0 told of, if any.</param>
    /// <param name="deadline">Ends it: a launcher that was asked to stop has so much time and no more.</param>
    /// <exception cref="InvalidInputException">Another stage's artifact lies at the address.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public async Task<StageOutcome> PublishAsync(StageOutcome outcome, ProgressReport? last, CancellationToken deadline)
    {
        if (!IsPublished || !isFirstNode || outcome.Result != StageResult.Succeeded)
        {
            return outcome;
        }

        report((last ?? new ProgressReport { Phase = "", Step = 0, TotalSteps = 0 }) with { Phase = "saving" });
        var artifact = Artifact.Open(local.Placement.Output, ArtifactKind.Of(plan.Computation));
        var published = await ArtifactStore.PublishAsync(artifact, plan.Placement.Output, deadline).ConfigureAwait(false);
        log(published.WasThere
            ? $"another attempt has published {plan.Placement.Output} before, with digest {published.Stored.Digest}"
            : $"published {published.UploadedBytes} bytes to {plan.Placement.Output}, with digest {published.Stored.Digest}");
        await RemoveCheckpointsAsync(deadline).ConfigureAwait(false);
        return published.WasThere ? OutcomeOf(published.Stored) : outcome with { ArtifactDigest = published.Stored.Digest };
    }

    private static void Check(string role, string address, string expected, StoredArtifact stored)
    {
        var (found, what) = stored.Manifest.StageDigest is { } stage ? (stage, "stage digest") : (stored.Digest, "digest");
        if (found != expected)
        {
            throw new InvalidInputException(address, null, $"{stored.Manifest.Kind} with {what} {found}", $"{expected}, as the plan says of input '{role}'");
        }
    }

    private StageOutcome OutcomeOf(StoredArtifact stored) => stored.Manifest is { StageDigest: { } stage, Outcome: { } outcome } && stage == _digest
        ? outcome with { ArtifactDigest = stored.Digest }
        : throw new InvalidInputException(plan.Placement.Output, null, $"{stored.Manifest.Kind} of stage {stored.Manifest.StageDigest ?? "none"}", $"stage {_digest}, or nothing");

    /// <summary>
    /// A finished stage resumes no more. Only checkpoints of numbered attempts are removed, and none where a later attempt has begun; those that the
    /// policy keeps for ever stay.
    /// </summary>
    private async Task RemoveCheckpointsAsync(CancellationToken stop)
    {
        if (!isFirstNode || attempt is not { } number || plan.Placement.Checkpoints is not { } checkpoints)
        {
            return;
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(ClearingTime);
            var removed = await CheckpointStore.RemoveFinishedAsync(ObjectStores.Open(checkpoints.Address), _digest, number, checkpoints.Policy, limit.Token).ConfigureAwait(false);
            log($"removed {removed} checkpoints that are no use any more from {checkpoints.Address}");
        }
        catch (Exception e) when (e is StoreException or InvalidInputException or OperationCanceledException)
        {
            log($"checkpoints stay at {checkpoints.Address}: {e.Message}");
        }
    }
}
