using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>What happened to a cached object.</summary>
public enum ResourceChangeType
{
    /// <summary>It is new in the cache.</summary>
    Added,

    /// <summary>It has a new state.</summary>
    Modified,

    /// <summary>It is gone, or no longer matches the cache's selector.</summary>
    Deleted,
}

/// <summary>One change of a cached object.</summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
/// <param name="Type">What happened.</param>
/// <param name="Entity">The new state; when deleted the last one known.</param>
/// <param name="Previous">The state before; null when added.</param>
/// <param name="Listed">Found by listing, not told by a watch or an own write: one of many, and not urgent.</param>
public sealed record ResourceChange<TEntity>(ResourceChangeType Type, TEntity Entity, TEntity? Previous, bool Listed)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>;
