using System.Text.Json;
using k8s.Models;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Pipelines;

/// <summary>Observes a pipeline and its runs, decides, writes its status, then makes or holds runs.</summary>
internal sealed class PipelineController(ResourceCache<PipelineEntity> cache, RunServices services) : IEntityController<PipelineEntity>
{
    private readonly ResourceClient<PipelineEntity> _client = services.Manager.Client<PipelineEntity>();
    private readonly StatusWriter<PipelineEntity, PipelineStatus> _status = new(cache, services.Manager.Client<PipelineEntity>());
    private readonly RunWriter _runs = new(services.Manager);

    /// <inheritdoc/>
    public async Task<ReconciliationResult<PipelineEntity>> ReconcileAsync(PipelineEntity entity, CancellationToken cancellationToken)
    {
        if (entity.Metadata.DeletionTimestamp is not null)
        {
            return ReconciliationResult<PipelineEntity>.Success(entity);
        }

        var decision = PipelinePolicy.Decide(Observe(entity));
        entity = await _status.WriteAsync(entity, entity.Status ?? new PipelineStatus(), decision.Status, cancellationToken).ConfigureAwait(false);
        foreach (var @event in decision.Events)
        {
            @event.Record(services.Manager.Events, entity);
        }

        foreach (var run in decision.Create)
        {
            await _runs.CreateAsync(run, Owner(entity), cancellationToken).ConfigureAwait(false);
        }

        foreach (var run in decision.Suspend)
        {
            await _runs.SuspendAsync(run, cancellationToken).ConfigureAwait(false);
        }

        if (decision.IsOver)
        {
            await _client.DeleteAsync(
                entity.Metadata.NamespaceProperty, entity.Metadata.Name, new DeleteRequest { Uid = entity.Metadata.Uid }, cancellationToken).ConfigureAwait(false);
        }

        return ReconciliationResult<PipelineEntity>.Success(entity, decision.RequeueAfter);
    }

    /// <inheritdoc/>
    public Task<ReconciliationResult<PipelineEntity>> DeletedAsync(PipelineEntity entity, CancellationToken cancellationToken) =>
        Task.FromResult(ReconciliationResult<PipelineEntity>.Success(entity));

    private PipelineObservation Observe(PipelineEntity entity)
    {
        Pipeline? pipeline = null;
        IReadOnlyList<InputError> errors = [];
        try
        {
            var metadata = new ObjectMeta { Name = entity.Metadata.Name, Namespace = entity.Metadata.NamespaceProperty };
            pipeline = ResourceReader.ReadPipeline(metadata, entity.Spec ?? default(JsonElement));
        }
        catch (InvalidInputException e)
        {
            errors = e.Errors;
        }

        var runs = new Dictionary<(string, string), RunOfStage>();
        foreach (var run in pipeline is null ? [] : PipelineExpansion.Runs(pipeline))
        {
            if (services.Runs.Get(new RunKey(run.Kind, entity.Metadata.NamespaceProperty, run.Metadata.Name)) is { } found)
            {
                runs[(run.Kind, run.Metadata.Name)] = new RunOfStage(
                    PodIndex.ControllerOf(found) == entity.Metadata.Uid,
                    found.Spec is { ValueKind: JsonValueKind.Object } spec && spec.TryGetProperty("suspend", out var suspend) && suspend.ValueKind == JsonValueKind.True,
                    found.Metadata.DeletionTimestamp is not null,
                    found.Status ?? new RunStatus());
            }
        }

        return new PipelineObservation
        {
            Generation = entity.Metadata.Generation ?? 0,
            Pipeline = pipeline,
            Errors = errors,
            Status = entity.Status ?? new PipelineStatus(),
            Runs = runs,
            Now = StatusText.Seconds(services.Time.GetUtcNow()),
        };
    }

    private static V1OwnerReference Owner(PipelineEntity entity) => new()
    {
        ApiVersion = Run.GroupVersion,
        Kind = Pipeline.Kind,
        Name = entity.Metadata.Name,
        Uid = entity.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };
}
