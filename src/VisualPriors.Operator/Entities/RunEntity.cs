using System.Text.Json;
using k8s;
using k8s.Models;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Entities;

/// <summary>
/// A run as the API server has it. The spec stays JSON here: whoever wrote it may have got round the schema, and an object that cannot be read
/// must still be told so in its status.
/// </summary>
internal abstract class RunEntity : IKubernetesObject<V1ObjectMeta>, IStatus<RunStatus?>
{
    /// <inheritdoc/>
    public string? ApiVersion { get; set; }

    /// <inheritdoc/>
    public string? Kind { get; set; }

    /// <inheritdoc/>
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>Desired state, unread.</summary>
    public JsonElement? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public RunStatus? Status { get; set; }
}

/// <summary>A PretrainRun in the cluster.</summary>
[KubernetesEntity(Group = EntityGroup.Name, ApiVersion = EntityGroup.Version, Kind = "PretrainRun", PluralName = "pretrainruns")]
internal sealed class PretrainRunEntity : RunEntity;

/// <summary>An AlignRun in the cluster.</summary>
[KubernetesEntity(Group = EntityGroup.Name, ApiVersion = EntityGroup.Version, Kind = "AlignRun", PluralName = "alignruns")]
internal sealed class AlignRunEntity : RunEntity;

/// <summary>An SftRun in the cluster.</summary>
[KubernetesEntity(Group = EntityGroup.Name, ApiVersion = EntityGroup.Version, Kind = "SftRun", PluralName = "sftruns")]
internal sealed class SftRunEntity : RunEntity;

/// <summary>An EvalRun in the cluster.</summary>
[KubernetesEntity(Group = EntityGroup.Name, ApiVersion = EntityGroup.Version, Kind = "EvalRun", PluralName = "evalruns")]
internal sealed class EvalRunEntity : RunEntity;

/// <summary>A Pipeline in the cluster.</summary>
[KubernetesEntity(Group = EntityGroup.Name, ApiVersion = EntityGroup.Version, Kind = "Pipeline", PluralName = "pipelines")]
internal sealed class PipelineEntity : IKubernetesObject<V1ObjectMeta>, IStatus<PipelineStatus?>
{
    /// <inheritdoc/>
    public string? ApiVersion { get; set; }

    /// <inheritdoc/>
    public string? Kind { get; set; }

    /// <inheritdoc/>
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>Desired state, unread.</summary>
    public JsonElement? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public PipelineStatus? Status { get; set; }
}

/// <summary>The API group of all of them.</summary>
internal static class EntityGroup
{
    public const string Name = "visualpriors.dev";
    public const string Version = "v1alpha1";
}
