using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// All objects of one kind, kept up to date by one list and watch that all controllers share. Objects in it are shared: never change them.
/// </summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
public sealed class ResourceCache<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Whether the first listing is complete.</summary>
    public bool HasSynced => throw new NotImplementedException();

    /// <summary>One object; null where there is none.</summary>
    public TEntity? Get(string? @namespace, string name) => throw new NotImplementedException();

    /// <summary>All objects, of one namespace or of all that are cached.</summary>
    public IReadOnlyCollection<TEntity> List(string? @namespace = null) => throw new NotImplementedException();

    /// <summary>Objects that an index files under a key.</summary>
    public IReadOnlyList<TEntity> ByIndex(string index, string key) => throw new NotImplementedException();

    /// <summary>Adds an index. Only before the cache is started.</summary>
    /// <param name="name">Name to ask for it by.</param>
    /// <param name="keys">Keys that an object is filed under.</param>
    public void AddIndex(string name, Func<TEntity, IEnumerable<string>> keys) => throw new NotImplementedException();

    /// <summary>Takes what a write returned: it counts until the watch has caught up with it, so that no reconcile acts on an older state.</summary>
    public void Observe(TEntity written) => throw new NotImplementedException();

    /// <summary>The object is gone by our own delete (<see cref="ResourceClient{TEntity}.DeleteAsync"/> returned null), whatever the watch still says.</summary>
    public void ObserveDeleted(TEntity deleted) => throw new NotImplementedException();

    /// <summary>Calls the handler for each change, one at a time and in order. It must be quick: it holds up the changes after it.</summary>
    /// <returns>Ends the subscription.</returns>
    public IDisposable Subscribe(Action<ResourceChange<TEntity>> handler) => throw new NotImplementedException();
}
