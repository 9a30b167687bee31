using System.Diagnostics;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>Sees from outside, by a watch on a connection of its own, when so many objects of a namespace are as they should be.</summary>
internal sealed class Arrivals<TEntity> : IAsyncDisposable
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Longer than a loaded machine takes for one object: INFERRED. When nothing arrives for so long, nothing more will.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<long> _last = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly KubernetesConnection _connection;
    private readonly Task _watching;
    private readonly Func<Task<string>> _explainAsync;
    private readonly int _count;
    private volatile int _arrived;

    private Arrivals(LoadPlane plane, string @namespace, int count, Func<TEntity, bool> isThere)
    {
        _count = count;
        _explainAsync = () => plane.LastEventAsync(@namespace);
        _connection = KubernetesConnection.Create(plane.Server.Configuration());
        var cache = new ResourceCache<TEntity>(
            _connection, new ResourceCacheOptions<TEntity> { Namespace = @namespace }, NullLogger<ResourceCache<TEntity>>.Instance);
        cache.Subscribe(change =>
        {
            if (change.Type != ResourceChangeType.Deleted && isThere(change.Entity) && _seen.Add(change.Entity.Metadata.Name))
            {
                _arrived = _seen.Count;
                if (_seen.Count == count)
                {
                    _last.TrySetResult(Stopwatch.GetTimestamp());
                }
            }
        });
        _watching = cache.RunAsync(_stop.Token);
        Watching = cache.Synced;
    }

    private Task Watching { get; }

    /// <summary>Watches from now on.</summary>
    public static async Task<Arrivals<TEntity>> WatchAsync(LoadPlane plane, string @namespace, int count, Func<TEntity, bool> isThere)
    {
        var arrivals = new Arrivals<TEntity>(plane, @namespace, count, isThere);
        await arrivals.Watching.ConfigureAwait(false);
        return arrivals;
    }

    /// <summary>Waits for the last one.</summary>
    /// <param name="began">Timestamp to count from.</param>
    /// <returns>Seconds from there until it was seen.</returns>
    /// <exception cref="TimeoutException">Nothing arrives any more.</exception>
    public async Task<double> SecondsSinceAsync(long began)
    {
        for (var before = 0; await Task.WhenAny(_last.Task, Task.Delay(Patience)).ConfigureAwait(false) != _last.Task; before = _arrived)
        {
            if (_arrived == before)
            {
                var told = await _explainAsync().ConfigureAwait(false);
                throw new TimeoutException(
                    $"{_arrived} of {_count} {typeof(TEntity).Name} came, and no other within {Patience.TotalSeconds} s; the operator told last: {told}");
            }
        }

        return Stopwatch.GetElapsedTime(began, await _last.Task.ConfigureAwait(false)).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _connection.Dispose();
        _stop.Dispose();
    }
}
