using k8s;
using k8s.Models;

namespace VisualPriors.Operator.Gangs;

/// <summary>How trainer pods are found in their cache.</summary>
internal static class PodIndex
{
    /// <summary>By the uid of the run that controls them.</summary>
    public const string Owner = "owner";

    /// <summary>Keys of a pod in <see cref="Owner"/>.</summary>
    public static IEnumerable<string> OwnerOf(V1Pod pod) => ControllerOf(pod) is { } uid ? [uid] : [];

    /// <summary>Uid of what controls an object; null where nothing does.</summary>
    public static string? ControllerOf(IKubernetesObject<V1ObjectMeta> entity) =>
        entity.Metadata.OwnerReferences?.FirstOrDefault(owner => owner.Controller == true)?.Uid;
}
