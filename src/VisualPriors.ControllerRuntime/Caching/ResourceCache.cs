using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// All objects of one kind, kept up to date by one list and watch that all controllers share. Objects in it are shared: never change them.
/// </summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
public sealed class ResourceCache<TEntity> : IResourceCache, IResourceSink<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _lock = new();
    private readonly ResourceStore<TEntity> _store = new();
    private readonly Queue<ResourceChange<TEntity>> _changes = new();
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly KubernetesConnection _connection;
    private readonly ResourceCacheOptions<TEntity> _options;
    private readonly ILogger _logger;
    private readonly string _kind = ResourceType.Of<TEntity>().Kind;

    private Action<ResourceChange<TEntity>>[] _handlers = [];
    private bool _dispatching;
    private bool _started;

    /// <summary>A cache of its own; controllers share those of <see cref="ControllerManager.Cache{TEntity}(string?)"/>.</summary>
    public ResourceCache(KubernetesConnection connection, ResourceCacheOptions<TEntity> options, ILogger<ResourceCache<TEntity>> logger)
    {
        _connection = connection;
        _options = options;
        _logger = logger;
    }

    /// <summary>Whether the first listing is complete.</summary>
    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    /// <summary>Ends when the first listing is complete.</summary>
    public Task Synced => _synced.Task;

    /// <summary>Lists and watches until told to stop. No error ends it.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_started)
            {
                throw new InvalidOperationException($"the cache of {_kind} runs already");
            }
            _started = true;
        }
        return new ResourceWatcher<TEntity>(_connection, _options, this, _logger).RunAsync(cancellationToken);
    }

    /// <summary>One object; null where there is none.</summary>
    public TEntity? Get(string? @namespace, string name)
    {
        lock (_lock)
        {
            return _store.Get(new(string.IsNullOrEmpty(@namespace) ? null : @namespace, name));
        }
    }

    /// <summary>One object; null where there is none.</summary>
    public TEntity? Get(NamespacedName name) => Get(name.Namespace, name.Name);

    /// <summary>All objects, of one namespace or of all that are cached.</summary>
    public IReadOnlyCollection<TEntity> List(string? @namespace = null)
    {
        lock (_lock)
        {
            return [.. _store.All.Where(entity => @namespace is null || entity.Metadata.NamespaceProperty == @namespace)];
        }
    }

    /// <summary>Objects that an index files under a key.</summary>
    public IReadOnlyList<TEntity> ByIndex(string index, string key)
    {
        lock (_lock)
        {
            return _store.ByIndex(index, key);
        }
    }

    /// <summary>Adds an index. Only before the cache runs.</summary>
    /// <param name="name">Name to ask for it by.</param>
    /// <param name="keys">Keys that an object is filed under: always the same for the same object.</param>
    public void AddIndex(string name, Func<TEntity, IEnumerable<string>> keys)
    {
        lock (_lock)
        {
            if (_started || _store.Count > 0)
            {
                throw new InvalidOperationException($"the cache of {_kind} runs already");
            }
            _store.Indexes.Define(name, keys);
        }
    }

    /// <summary>
    /// Takes what a write returned: it counts until the watch has caught up with it, so that no reconcile acts on an older state. A write
    /// that does not match the cache's selector leaves again when the watch has passed it.
    /// </summary>
    public void Observe(TEntity written)
    {
        ArgumentNullException.ThrowIfNull(written);
        written.Metadata.ManagedFields = null;
        var entity = _options.Transform is { } transform ? transform(written) : written;
        Apply(store => store.Written(entity));
    }

    /// <summary>The object is gone by our own delete (<see cref="ResourceClient{TEntity}.DeleteAsync"/> returned null), whatever the watch still says.</summary>
    public void ObserveDeleted(TEntity deleted) => Apply(store => store.WrittenDeleted(deleted));

    /// <summary>Calls the handler for each change from now on, one at a time and in order. It must be quick: it holds up the changes after it.</summary>
    /// <returns>Ends the subscription.</returns>
    public IDisposable Subscribe(Action<ResourceChange<TEntity>> handler)
    {
        lock (_lock)
        {
            _handlers = [.. _handlers, handler];
        }
        return new Subscription(() =>
        {
            lock (_lock)
            {
                _handlers = [.. _handlers.Where(other => other != handler)];
            }
        });
    }

    void IResourceSink<TEntity>.Replace(ResourceListing<TEntity> listing)
    {
        Apply(store => store.Replace(listing));
        _synced.TrySetResult();
    }

    void IResourceSink<TEntity>.Changed(TEntity entity) => Apply(store => store.Changed(entity));

    void IResourceSink<TEntity>.Deleted(TEntity entity) => Apply(store => store.Deleted(entity));

    void IResourceSink<TEntity>.Unreadable(UnreadableObject item) => Apply(store => store.Unreadable(item));

    void IResourceSink<TEntity>.Watched(ulong version) => Apply(store => store.Watched(version));

    /// <summary>
    /// Changes the store, then tells it. Handlers run outside of the lock, or two whose maps read each other's caches would wait for ever;
    /// whoever comes while another tells leaves its changes to that one, so that they stay in order.
    /// </summary>
    private void Apply(Func<ResourceStore<TEntity>, IReadOnlyList<ResourceChange<TEntity>>> change)
    {
        lock (_lock)
        {
            foreach (var news in change(_store))
            {
                _changes.Enqueue(news);
            }
            ControllerMetrics.CachedObjects.WithLabels(_kind, _options.LabelSelector ?? "").Set(_store.Count);
            if (_dispatching)
            {
                return;
            }
            _dispatching = true;
        }
        while (true)
        {
            ResourceChange<TEntity>? news;
            Action<ResourceChange<TEntity>>[] handlers;
            lock (_lock)
            {
                if (!_changes.TryDequeue(out news))
                {
                    _dispatching = false;
                    return;
                }
                handlers = _handlers;
            }
            foreach (var handler in handlers)
            {
                Tell(handler, news);
            }
        }
    }

    private void Tell(Action<ResourceChange<TEntity>> handler, ResourceChange<TEntity> news)
    {
        try
        {
            handler(news);
        }
        catch (Exception error)
        {
            _logger.LogError(error, "A handler of {Kind} changes failed at {Name}", _kind, news.Entity.Metadata.Name);
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
