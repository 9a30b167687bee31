using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>What else a controller looks at.</summary>
/// <typeparam name="TEntity">The controller's kind.</typeparam>
public sealed class ControllerRegistration<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly ControllerLoop<TEntity> _loop;
    private readonly ResourceCache<TEntity> _cache;
    private readonly ResourceType _type = ResourceType.Of<TEntity>();

    internal ControllerRegistration(ControllerLoop<TEntity> loop, ResourceCache<TEntity> cache)
    {
        _loop = loop;
        _cache = cache;
    }

    /// <summary>A change of a child is a change of the object that controls it by owner reference.</summary>
    public ControllerRegistration<TEntity> Owns<TChild>(ResourceCache<TChild> cache)
        where TChild : class, IKubernetesObject<V1ObjectMeta> => Watches(cache, OwnersOf);

    /// <summary>A change of another object is a change of the objects it maps to: those of its new state and those of the one before.</summary>
    /// <param name="cache">The other objects.</param>
    /// <param name="map">To which of ours. Must be quick; may read caches.</param>
    public ControllerRegistration<TEntity> Watches<TOther>(ResourceCache<TOther> cache, Func<TOther, IEnumerable<NamespacedName>> map)
        where TOther : class, IKubernetesObject<V1ObjectMeta>
    {
        ArgumentNullException.ThrowIfNull(cache);
        cache.Subscribe(change =>
        {
            var priority = change is { Listed: true, Type: not ResourceChangeType.Deleted } ? WorkPriority.Low : WorkPriority.High;
            foreach (var name in map(change.Entity).Concat(change.Previous is { } previous ? map(previous) : []).Distinct())
            {
                _loop.Enqueue(name, priority);
            }
        });
        return this;
    }

    /// <summary>Adds a finalizer: put on objects that need it before they are reconciled, taken off when it has succeeded.</summary>
    /// <param name="finalizer">Cleans up.</param>
    /// <param name="needed">Whether an object needs it; null: all do.</param>
    public ControllerRegistration<TEntity> AddFinalizer(IEntityFinalizer<TEntity> finalizer, Func<TEntity, bool>? needed = null)
    {
        _loop.Finalizers.Add(finalizer, needed);
        return this;
    }

    /// <summary>Looks at an object again, though nothing about it changed in the cluster.</summary>
    public void Enqueue(NamespacedName name) => _loop.Enqueue(name, WorkPriority.High);

    private IEnumerable<NamespacedName> OwnersOf<TChild>(TChild child)
        where TChild : class, IKubernetesObject<V1ObjectMeta> =>
        (child.Metadata.OwnerReferences ?? [])
            .Where(owner => owner.Controller == true && owner.Kind == _type.Kind && GroupOf(owner.ApiVersion) == _type.Group)
            .Select(owner => _cache.Get(null, owner.Name) is not null
                ? new NamespacedName(null, owner.Name)
                : new NamespacedName(child.Metadata.NamespaceProperty, owner.Name));

    /// <summary>A child written before the kind's version changed still names the old one.</summary>
    private static string GroupOf(string apiVersion) => apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion[..apiVersion.IndexOf('/', StringComparison.Ordinal)] : "";
}
