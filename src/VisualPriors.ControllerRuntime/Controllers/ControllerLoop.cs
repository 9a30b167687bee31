using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>A controller of any kind, as the manager runs it.</summary>
internal interface IControllerLoop : IDisposable
{
    /// <summary>Begins to take changes, and takes all objects there are.</summary>
    public void Activate();

    /// <summary>Works until stopped; what is under way then goes on until it is done or aborted.</summary>
    /// <param name="stop">Take no more keys.</param>
    /// <param name="abort">End what is under way.</param>
    public Task RunAsync(CancellationToken stop, CancellationToken abort);
}

/// <summary>One controller's queue and workers.</summary>
internal sealed class ControllerLoop<TEntity> : IControllerLoop
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly IEntityController<TEntity> _controller;
    private readonly ResourceCache<TEntity> _cache;
    private readonly ControllerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WorkQueue<NamespacedName> _queue;

    /// <summary>Objects that are gone, until their controller has been told.</summary>
    private readonly ConcurrentDictionary<NamespacedName, TEntity> _deleted = new();

    private volatile bool _active;

    public ControllerLoop(
        IEntityController<TEntity> controller,
        ResourceCache<TEntity> cache,
        ResourceClient<TEntity> client,
        ControllerOptions options,
        TimeProvider time,
        ILogger logger)
    {
        _controller = controller;
        _cache = cache;
        _options = options;
        _time = time;
        _logger = logger;
        _queue = new(options, time);
        Finalizers = new(client, cache);
        cache.Subscribe(OnChange);
    }

    public Finalizers<TEntity> Finalizers { get; }

    public void Activate()
    {
        _active = true;
        foreach (var entity in _cache.List())
        {
            _queue.Add(ResourceStore<TEntity>.KeyOf(entity), WorkPriority.Low);
        }
    }

    /// <summary>Looks at an object. While another replica leads nothing is kept: all objects are looked at when this one begins.</summary>
    public void Enqueue(NamespacedName key, WorkPriority priority)
    {
        if (_active)
        {
            _queue.Add(key, priority);
        }
    }

    public async Task RunAsync(CancellationToken stop, CancellationToken abort)
    {
        using var registration = stop.Register(_queue.ShutDown);
        await Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => Task.Run(() => WorkAsync(abort), CancellationToken.None))).ConfigureAwait(false);
    }

    public void Dispose() => _queue.Dispose();

    private void OnChange(ResourceChange<TEntity> change)
    {
        if (!_active)
        {
            return;
        }
        var key = ResourceStore<TEntity>.KeyOf(change.Entity);
        if (change.Type == ResourceChangeType.Deleted)
        {
            _deleted[key] = change.Entity;
        }
        _queue.Add(key, change is { Listed: true, Type: not ResourceChangeType.Deleted } ? WorkPriority.Low : WorkPriority.High);
    }

    private async Task WorkAsync(CancellationToken abort)
    {
        while (await _queue.TakeAsync(CancellationToken.None).ConfigureAwait(false) is { } item)
        {
            try
            {
                var began = _time.GetTimestamp();
                var outcome = await WorkAsync(item.Key, abort).ConfigureAwait(false);
                ControllerMetrics.Reconciles.WithLabels(_options.Name!, outcome.Kind.ToString().ToLowerInvariant()).Inc();
                ControllerMetrics.ReconcileSeconds.WithLabels(_options.Name!).Observe(_time.GetElapsedTime(began).TotalSeconds);
                Requeue(item.Key, outcome);
            }
            catch (OperationCanceledException) when (abort.IsCancellationRequested)
            {
                // The next leader looks at all objects anyhow.
            }
            finally
            {
                _queue.Done(item.Key);
            }
        }
    }

    private async Task<ReconcileOutcome> WorkAsync(NamespacedName key, CancellationToken abort)
    {
        try
        {
            var result = await ReconcileAsync(key, abort).ConfigureAwait(false);
            if (result is null)
            {
                return new(ReconcileKind.Success);
            }
            if (!result.IsSuccess)
            {
                _logger.LogWarning(result.Error, "{Controller} failed at {Object}: {Message}", _options.Name, key, result.ErrorMessage);
            }
            return ReconcileOutcome.Of(result.IsSuccess, result.Error, result.RequeueAfter);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error)
        {
            var outcome = ReconcileOutcome.Of(error);
            var level = outcome.Kind == ReconcileKind.Conflict ? LogLevel.Debug : LogLevel.Error;
            _logger.Log(level, error, "{Controller} failed at {Object}: {Kind}", _options.Name, key, outcome.Kind);
            return outcome;
        }
    }

    /// <returns>Null when there is nothing more to do.</returns>
    private async Task<ReconciliationResult<TEntity>?> ReconcileAsync(NamespacedName key, CancellationToken abort)
    {
        if (_deleted.TryGetValue(key, out var last))
        {
            var result = await _controller.DeletedAsync(last, abort).ConfigureAwait(false);
            if (!result.IsSuccess || result.RequeueAfter is not null)
            {
                return result;
            }
            _deleted.TryRemove(new(key, last));
        }
        if (_cache.Get(key) is not { } entity)
        {
            return null;
        }
        if (entity.Metadata.DeletionTimestamp is not null)
        {
            return await Finalizers.RunAsync(entity, abort).ConfigureAwait(false);
        }
        entity = await Finalizers.AttachAsync(entity, abort).ConfigureAwait(false);
        return await _controller.ReconcileAsync(entity, abort).ConfigureAwait(false);
    }

    private void Requeue(NamespacedName key, ReconcileOutcome outcome)
    {
        if (outcome.BackOff)
        {
            _queue.AddRateLimited(key, outcome.BackOffCeiling);
            return;
        }
        if (outcome.Kind is ReconcileKind.Success or ReconcileKind.Terminal)
        {
            _queue.Forget(key);
        }
        if (outcome.RequeueAfter is { } after)
        {
            _queue.AddAfter(key, after);
        }
    }
}
