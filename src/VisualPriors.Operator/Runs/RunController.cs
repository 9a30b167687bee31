using k8s.Models;
using Microsoft.Extensions.Logging;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Metrics;
using VisualPriors.Operator.Runs.Policies;

namespace VisualPriors.Operator.Runs;

/// <summary>What the controllers of all kinds of run share.</summary>
/// <param name="Manager">Clients and events.</param>
/// <param name="Runs">All runs.</param>
/// <param name="Claims">Who may start.</param>
/// <param name="Reader">Reads specs.</param>
/// <param name="Pods">Trainer pods.</param>
/// <param name="Gangs">Makes and deletes pods.</param>
/// <param name="Stages">Plans.</param>
/// <param name="Places">Where artifacts go.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">The log.</param>
internal sealed record RunServices(
    ControllerManager Manager, RunCatalog Runs, StageClaims Claims, RunReader Reader, ResourceCache<V1Pod> Pods, GangClient Gangs, StagePreparer Stages,
    StagePlaces Places, TimeProvider Time, ILogger Logger);

/// <summary>Observes a run, decides, writes its status, then acts and tells.</summary>
internal sealed partial class RunController<TEntity>(ResourceCache<TEntity> cache, RunServices services) : IEntityController<TEntity>
    where TEntity : RunEntity, new()
{
    private readonly ResourceClient<TEntity> _client = services.Manager.Client<TEntity>();
    private readonly StatusWriter<TEntity, RunStatus> _status = new(cache, services.Manager.Client<TEntity>());

    /// <inheritdoc/>
    public async Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken)
    {
        if (entity.Metadata.DeletionTimestamp is not null)
        {
            // Nothing outside the cluster is to be cleaned up, and what is in it goes with its owner.
            services.Claims.Release(entity);
            return ReconciliationResult<TEntity>.Success(entity);
        }

        var observation = Observe(entity);
        var (decision, plan) = await DecideAsync(entity, observation, cancellationToken).ConfigureAwait(false);
        entity = await WriteStatusAsync(entity, decision.Status, cancellationToken).ConfigureAwait(false);
        services.Claims.Release(entity);
        Tell(entity, observation, decision);
        foreach (var action in decision.Actions)
        {
            await ActAsync(entity, observation, action, plan, cancellationToken).ConfigureAwait(false);
        }

        return ReconciliationResult<TEntity>.Success(entity, decision.RequeueAfter);
    }

    /// <inheritdoc/>
    public Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken)
    {
        services.Reader.Forget(entity);
        services.Claims.Release(entity);
        return Task.FromResult(ReconciliationResult<TEntity>.Success(entity));
    }

    private RunObservation Observe(TEntity entity)
    {
        var key = RunKey.Of(entity);
        var read = services.Reader.Read(entity);
        return new RunObservation
        {
            Key = key,
            Generation = entity.Metadata.Generation ?? 0,
            Run = read.Run,
            Errors = read.Errors,
            SpecDigest = read.Digest,
            Status = entity.Status ?? new RunStatus(),
            Upstream = read.Run?.Upstream is { } from ? ObserveUpstream(new RunKey(from.Kind, key.Namespace, from.Name)) : null,
            ArtifactAddress = entity.Status?.StageDigest is { } digest ? services.Places.ArtifactOf(digest) : null,
            Pods = services.Pods.ByIndex(PodIndex.Owner, entity.Metadata.Uid),
            Now = StatusText.Seconds(services.Time.GetUtcNow()),
        };
    }

    private UpstreamObservation? ObserveUpstream(RunKey key) => services.Runs.Get(key) is { } upstream
        ? new UpstreamObservation(
            upstream.Status?.Phase ?? RunPhase.Pending,
            upstream.Status?.StageDigest,
            Conditions.Find(upstream.Status?.Conditions, ConditionTypes.Failed)?.Message)
        : null;

    private async Task<(RunDecision Decision, StagePlan? Plan)> DecideAsync(TEntity entity, RunObservation observation, CancellationToken cancellationToken)
    {
        if (RunPolicy.Decide(observation) is { } decision)
        {
            return (decision, null);
        }

        var preparation = await services.Stages.PrepareAsync(entity, observation.Run!, cancellationToken).ConfigureAwait(false);
        return (StartPolicy.Decide(observation, preparation), (preparation as Prepared)?.Plan);
    }

    private Task<TEntity> WriteStatusAsync(TEntity entity, RunStatus status, CancellationToken cancellationToken)
    {
        // Progress is another writer's: what is applied must not take its fields over.
        var before = (entity.Status ?? new RunStatus()) with { Progress = null };
        return _status.WriteAsync(entity, before, status with { Progress = null }, cancellationToken);
    }

    private void Tell(TEntity entity, RunObservation before, RunDecision decision)
    {
        foreach (var @event in decision.Events)
        {
            @event.Record(services.Manager.Events, entity);
            LogEvent(services.Logger, before.Key, decision.Status.Attempt ?? 0, @event.Reason, @event.Message);
        }

        OperatorMetrics.OnDecision(before, decision);
    }

    private async Task ActAsync(TEntity entity, RunObservation observation, RunAction action, StagePlan? plan, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case CreateGang create:
                var request = new GangRequest(
                    observation.Key, entity.Metadata.Uid, Run.GroupVersion, create.Attempt, FenceOf(entity), observation.Run!.Compute, plan!);
                await services.Gangs.CreateAsync(request, observation.Pods, cancellationToken).ConfigureAwait(false);
                break;
            case DeletePods delete:
                await services.Gangs.DeleteAsync(observation.Key.Namespace, delete.Names, delete.IsForced, cancellationToken).ConfigureAwait(false);
                break;
            case DeleteRun:
                await _client.DeleteAsync(
                    observation.Key.Namespace, observation.Key.Name, new DeleteRequest { Uid = entity.Metadata.Uid }, cancellationToken).ConfigureAwait(false);
                break;
            default:
                throw new ArgumentException($"no way to do {action.GetType().Name}", nameof(action));
        }
    }

    /// <summary>Milliseconds since 1970 of the attempt's start: no two attempts share one (<see cref="AttemptClock"/>).</summary>
    private static long FenceOf(TEntity entity) => entity.Status!.AttemptTime!.Value.ToUnixTimeMilliseconds();

    [LoggerMessage(LogLevel.Information, "{Run} attempt {Attempt}: {Reason}: {Message}")]
    private static partial void LogEvent(ILogger logger, RunKey run, int attempt, string reason, string message);
}
