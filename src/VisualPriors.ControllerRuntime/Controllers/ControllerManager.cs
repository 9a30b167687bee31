using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>Puts controllers, their caches and leader election together and runs them.</summary>
public sealed class ControllerManager(KubernetesConnection connection, ControllerManagerOptions options, ILoggerFactory loggers)
{
    private readonly KubernetesConnection _connection = connection;
    private readonly ControllerManagerOptions _options = options;
    private readonly ILoggerFactory _loggers = loggers;

    /// <summary>Tells what happens, for all controllers.</summary>
    public EventRecorder Events => throw new NotImplementedException();

    /// <summary>Whether this process may act now.</summary>
    public bool IsLeader => throw new NotImplementedException();

    /// <summary>Whether all caches are filled: the process is ready, leader or not.</summary>
    public bool HasSynced => throw new NotImplementedException();

    /// <summary>Requests for one kind; writes are refused while this process may not act.</summary>
    public ResourceClient<TEntity> Client<TEntity>()
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>The cache of a kind, one for each selector. Only before the manager runs.</summary>
    public ResourceCache<TEntity> Cache<TEntity>(string? labelSelector = null)
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>The cache of a kind, with more to choose. Only before the manager runs.</summary>
    public ResourceCache<TEntity> Cache<TEntity>(ResourceCacheOptions<TEntity> cacheOptions)
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>Adds a controller for the objects of a cache.</summary>
    public ControllerRegistration<TEntity> AddController<TEntity>(
        IEntityController<TEntity> controller, ResourceCache<TEntity> cache, ControllerOptions? controllerOptions = null)
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => throw new NotImplementedException();

    /// <summary>Fills the caches, waits for leadership, works until told to stop.</summary>
    /// <exception cref="LeadershipLostException">Leadership was lost: end the process.</exception>
    public Task RunAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
