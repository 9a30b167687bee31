using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>Puts controllers, their caches and leader election together and runs them.</summary>
public sealed class ControllerManager : IAsyncDisposable
{
    /// <summary>What a reconcile has to end once it is aborted. INFERRED.</summary>
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(2);

    private readonly KubernetesConnection _connection;
    private readonly ControllerManagerOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly LeaderElector? _elector;
    private readonly Dictionary<(Type Kind, string? Namespace, string? Labels, string? Fields), IResourceCache> _caches = [];
    private readonly List<IControllerLoop> _loops = [];

    /// <param name="connection">To the API server; not disposed.</param>
    /// <param name="options">What the controllers share.</param>
    /// <param name="loggers">Logs.</param>
    public ControllerManager(KubernetesConnection connection, ControllerManagerOptions options, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        _connection = connection;
        _options = options;
        _loggers = loggers;
        _logger = loggers.CreateLogger<ControllerManager>();
        _elector = options.LeaderElection is { } election ? new(connection, election, loggers.CreateLogger<LeaderElector>()) : null;
        Events = new(connection, options.Name, loggers.CreateLogger<EventRecorder>());
    }

    /// <summary>Tells what happens, for all controllers.</summary>
    public EventRecorder Events { get; }

    /// <summary>Whether this process may act now: it leads, or there is no election.</summary>
    public bool IsLeader => _elector?.IsLeader ?? true;

    /// <summary>Whether all caches are filled: the process is ready, leader or not.</summary>
    public bool HasSynced => _caches.Values.All(cache => cache.HasSynced);

    /// <summary>Requests for one kind; writes throw <see cref="LeadershipLostException"/> while this process may not act.</summary>
    public ResourceClient<TEntity> Client<TEntity>()
        where TEntity : class, IKubernetesObject<V1ObjectMeta> => new(_connection, EnsureMayAct);

    /// <summary>The cache of a kind in the manager's namespace, one for each selector. Only before the manager runs.</summary>
    /// <param name="labelSelector">Label selector; null for all objects.</param>
    public ResourceCache<TEntity> Cache<TEntity>(string? labelSelector = null)
        where TEntity : class, IKubernetesObject<V1ObjectMeta> =>
        Cache(new ResourceCacheOptions<TEntity> { Namespace = _options.Namespace, LabelSelector = labelSelector });

    /// <summary>
    /// The cache of a kind, with more to choose (also the namespace: kinds of the whole cluster have none). Asked for again with the same
    /// selectors it is the same, with the first one's options. Only before the manager runs.
    /// </summary>
    public ResourceCache<TEntity> Cache<TEntity>(ResourceCacheOptions<TEntity> cacheOptions)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        ArgumentNullException.ThrowIfNull(cacheOptions);
        var key = (typeof(TEntity), cacheOptions.Namespace, cacheOptions.LabelSelector, cacheOptions.FieldSelector);
        if (!_caches.TryGetValue(key, out var cache))
        {
            _caches[key] = cache = new ResourceCache<TEntity>(_connection, cacheOptions, _loggers.CreateLogger<ResourceCache<TEntity>>());
        }
        return (ResourceCache<TEntity>)cache;
    }

    /// <summary>Adds a controller for the objects of a cache. Only before the manager runs.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="cache">Its objects, from <see cref="Cache{TEntity}(string?)"/>.</param>
    /// <param name="controllerOptions">How to work through them.</param>
    public ControllerRegistration<TEntity> AddController<TEntity>(
        IEntityController<TEntity> controller, ResourceCache<TEntity> cache, ControllerOptions? controllerOptions = null)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        controllerOptions ??= new ControllerOptions();
        controllerOptions = controllerOptions with { Name = controllerOptions.Name ?? ResourceType.Of<TEntity>().Kind.ToLowerInvariant() };
        var loop = new ControllerLoop<TEntity>(
            controller, cache, Client<TEntity>(), controllerOptions, _connection.Time, _loggers.CreateLogger<ControllerLoop<TEntity>>());
        _loops.Add(loop);
        return new(loop, cache);
    }

    /// <summary>
    /// Fills the caches, waits for leadership, works until told to stop: then takes no more objects, lets reconciles end within
    /// <see cref="ControllerManagerOptions.ShutdownTimeout"/>, and gives the lease back last.
    /// </summary>
    /// <exception cref="LeadershipLostException">Leadership was lost: end the process.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stopCaches = new CancellationTokenSource();
        var caches = _caches.Values.Select(cache => cache.RunAsync(stopCaches.Token)).ToList();
        try
        {
            await Task.WhenAll(_caches.Values.Select(cache => cache.Synced)).WaitAsync(cancellationToken).ConfigureAwait(false);
            _logger.LogInformation("{Count} caches are filled", caches.Count);
            await (_elector is null
                ? WorkAsync(CancellationToken.None, cancellationToken)
                : _elector.RunAsync(lost => WorkAsync(lost, cancellationToken), cancellationToken)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to stop before there was work.
        }
        finally
        {
            await stopCaches.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(caches).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the last events.</summary>
    public async ValueTask DisposeAsync()
    {
        await Events.DisposeAsync().ConfigureAwait(false);
        foreach (var loop in _loops)
        {
            loop.Dispose();
        }
    }

    private async Task WorkAsync(CancellationToken lost, CancellationToken shutdown)
    {
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(lost);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(lost, shutdown);
        foreach (var loop in _loops)
        {
            loop.Activate();
        }
        var work = Task.WhenAll(_loops.Select(loop => loop.RunAsync(stop.Token, abort.Token)));
        await Task.WhenAny(work, Task.Delay(Timeout.InfiniteTimeSpan, stop.Token)).ConfigureAwait(false);
        if (await Task.WhenAny(work, Task.Delay(_options.ShutdownTimeout, _connection.Time, lost)).ConfigureAwait(false) != work)
        {
            _logger.LogWarning("Reconciles are under way still: they are aborted");
            await abort.CancelAsync().ConfigureAwait(false);
        }
        try
        {
            await work.WaitAsync(AbortTimeout, _connection.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // They can no longer write: see EnsureMayAct.
            _logger.LogError("Reconciles do not heed their cancellation: they are left behind");
        }
    }

    private void EnsureMayAct()
    {
        if (!IsLeader)
        {
            throw new LeadershipLostException("this process does not lead: it may not write");
        }
    }
}
