using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>What else a controller looks at.</summary>
/// <typeparam name="TEntity">The controller's kind.</typeparam>
public sealed class ControllerRegistration<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    internal ControllerRegistration()
    {
    }

    /// <summary>A change of a child is a change of the object that controls it by owner reference.</summary>
    public ControllerRegistration<TEntity> Owns<TChild>(ResourceCache<TChild> cache)
        where TChild : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>A change of another object is a change of the objects it maps to.</summary>
    /// <param name="cache">The other objects.</param>
    /// <param name="map">To which of ours. Must be quick; may read caches.</param>
    public ControllerRegistration<TEntity> Watches<TOther>(ResourceCache<TOther> cache, Func<TOther, IEnumerable<NamespacedName>> map)
        where TOther : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>Adds a finalizer: put on objects that need it before they are reconciled, taken off when it has succeeded.</summary>
    /// <param name="finalizer">Cleans up.</param>
    /// <param name="needed">Whether an object needs it; null: all do.</param>
    public ControllerRegistration<TEntity> AddFinalizer(IEntityFinalizer<TEntity> finalizer, Func<TEntity, bool>? needed = null) =>
        throw new NotImplementedException();

    /// <summary>Looks at an object again, though nothing about it changed in the cluster.</summary>
    public void Enqueue(NamespacedName name) => throw new NotImplementedException();
}
