using System.Text.Json.Nodes;
using k8s.Models;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Operator.Pipelines;

/// <summary>Makes a pipeline's runs, and holds them or lets them go.</summary>
internal sealed class RunWriter(ControllerManager manager)
{
    private readonly ResourceClient<PretrainRunEntity> _pretrain = manager.Client<PretrainRunEntity>();
    private readonly ResourceClient<AlignRunEntity> _align = manager.Client<AlignRunEntity>();
    private readonly ResourceClient<SftRunEntity> _sft = manager.Client<SftRunEntity>();
    private readonly ResourceClient<EvalRunEntity> _eval = manager.Client<EvalRunEntity>();

    /// <summary>Makes a run unless it is there.</summary>
    public Task CreateAsync(Run run, V1OwnerReference owner, CancellationToken cancellationToken) => run switch
    {
        PretrainRun => CreateAsync(_pretrain, run, owner, cancellationToken),
        AlignRun => CreateAsync(_align, run, owner, cancellationToken),
        SftRun => CreateAsync(_sft, run, owner, cancellationToken),
        EvalRun => CreateAsync(_eval, run, owner, cancellationToken),
        _ => throw new ArgumentException($"no entity for a {run.Kind}", nameof(run)),
    };

    /// <summary>Sets a run's <c>suspend</c> to what its spec says.</summary>
    public Task SuspendAsync(Run run, CancellationToken cancellationToken) => run switch
    {
        PretrainRun => SuspendAsync(_pretrain, run, cancellationToken),
        AlignRun => SuspendAsync(_align, run, cancellationToken),
        SftRun => SuspendAsync(_sft, run, cancellationToken),
        EvalRun => SuspendAsync(_eval, run, cancellationToken),
        _ => throw new ArgumentException($"no entity for a {run.Kind}", nameof(run)),
    };

    private static async Task CreateAsync<TEntity>(ResourceClient<TEntity> client, Run run, V1OwnerReference owner, CancellationToken cancellationToken)
        where TEntity : RunEntity, new()
    {
        var labels = new Dictionary<string, string>(run.Metadata.Labels ?? new Dictionary<string, string>()) { [GangNames.ManagedBy] = GangNames.Operator };
        var entity = new TEntity
        {
            ApiVersion = Run.GroupVersion,
            Kind = run.Kind,
            Metadata = new V1ObjectMeta { Name = run.Metadata.Name, NamespaceProperty = run.Metadata.Namespace, Labels = labels, OwnerReferences = [owner] },
            Spec = ResourceWriter.SpecOf(run),
        };
        try
        {
            await client.CreateAsync(entity, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesApiException e) when (e.IsAlreadyExists)
        {
            // Made before, and not in the cache yet; or another's, which the next look at it will tell.
        }
    }

    private static Task<TEntity> SuspendAsync<TEntity>(ResourceClient<TEntity> client, Run run, CancellationToken cancellationToken)
        where TEntity : RunEntity, new() => client.PatchJsonAsync(
            run.Metadata.Namespace,
            run.Metadata.Name,
            [new JsonPatchOperation("add", "/spec/suspend", JsonValue.Create(run.Common.Suspend))],
            cancellationToken: cancellationToken);
}
