using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Stages;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Operator.Runs;

/// <summary>Finds out what a run would compute: its chain from the caches, its data and perhaps its artifact from the store.</summary>
internal sealed class StagePreparer(
    RunCatalog runs, StageClaims claims, RunReader reader, ArtifactCatalog artifacts, AttemptClock attempts, StagePlaces places, string storageAddress)
{
    /// <summary>Plans a run whose upstream has succeeded, and claims its stage.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<StagePreparation> PrepareAsync(RunEntity entity, Run run, CancellationToken cancellationToken)
    {
        try
        {
            var chain = ChainOf(entity, run);
            if (chain is null)
            {
                return new NotPrepared("WaitingForUpstream", "a run further up is gone or no longer valid");
            }

            var data = new Dictionary<string, DataSet>(StringComparer.Ordinal);
            foreach (var (owner, requirement) in chain.SelectMany(link => DataRequirement.Of(link.Run).Select(requirement => (link.Run, requirement))))
            {
                var address = $"{StagePlaces.DataOf(storageAddress)}/{requirement.Name}";
                var found = await artifacts.DataAsync(address, cancellationToken).ConfigureAwait(false);
                var field = ReferenceEquals(owner, run) ? requirement.Field : $"{owner.Kind} {owner.Metadata.Name}: {requirement.Field}";
                if (found is null)
                {
                    return new NotPrepared("DataNotFound", $"{field}: found '{requirement.Name}', which is not at {address}, expected a published {requirement.Kind} (`vp publish`)");
                }

                if (found.Manifest.Kind != requirement.Kind)
                {
                    return new NotPrepared("DataInvalid", $"{field}: found '{requirement.Name}', a {found.Manifest.Kind}, expected a {requirement.Kind}");
                }

                data[requirement.Name] = new DataSet(address, found.Digest);
            }

            var stages = StagePlanner.Plan([.. chain.Select(link => link.Run)], data, places);
            for (var i = 0; i < stages.Count - 1; i++)
            {
                if (chain[i].Entity.Status?.StageDigest != stages[i].Digest)
                {
                    return new NotPrepared(
                        "DataChanged", $"{stages[i].Run.Kind} {stages[i].Run.Metadata.Name} was computed from data that has changed since: delete it and make it anew");
                }
            }

            var stage = stages[^1];
            return new Prepared(stage.Digest, stage.Plan)
            {
                Finished = await FinishedAsync(stage, cancellationToken).ConfigureAwait(false),
                Competitor = claims.Claim(entity, stage.Digest) is { } other
                    ? $"{RunKey.KindOf(other)} {other.Metadata.NamespaceProperty}/{other.Metadata.Name}"
                    : null,
                AttemptTime = attempts.Next(),
            };
        }
        catch (StoreException e)
        {
            return new NotPrepared("StoreUnavailable", e.Message);
        }
        catch (InvalidInputException e)
        {
            return new NotPrepared("DataInvalid", e.Message);
        }
    }

    private static async Task<RunArtifact?> FinishedAsync(PlannedStage stage, CancellationToken cancellationToken)
    {
        var address = stage.Plan.Placement.Output;
        return await ArtifactCatalog.StageAsync(address, cancellationToken).ConfigureAwait(false) is { } found && found.Manifest.StageDigest == stage.Digest
            ? new RunArtifact { Address = address, Digest = found.Digest, Reused = true, Results = SucceededRun.Text(found.Manifest.Outcome?.Results) }
            : null;
    }

    /// <summary>The run and all above it, from the top; null where one is gone.</summary>
    private List<(RunEntity Entity, Run Run)>? ChainOf(RunEntity entity, Run run)
    {
        var chain = new List<(RunEntity Entity, Run Run)> { (entity, run) };
        while (chain[0].Run.Upstream is { } from)
        {
            // The kinds that may start from each other make a cycle of SftRuns possible.
            if (runs.Get(new RunKey(from.Kind, entity.Metadata.NamespaceProperty, from.Name)) is not { } upstream
                || reader.Read(upstream).Run is not { } read
                || chain.Exists(link => link.Entity == upstream))
            {
                return null;
            }

            chain.Insert(0, (upstream, read));
        }

        return chain;
    }
}
