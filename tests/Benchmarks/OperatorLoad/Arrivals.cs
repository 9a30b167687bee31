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
    /// <summary>Longer than any phase at its full size takes: INFERRED. A phase that stands still ends here.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<long> _last = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly KubernetesConnection _connection;
    private readonly Task _watching;

    private Arrivals(LoadPlane plane, string @namespace, int count, Func<TEntity, bool> isThere)
    {
        _connection = KubernetesConnection.Create(plane.Server.Configuration());
        var cache = new ResourceCache<TEntity>(
            _connection, new ResourceCacheOptions<TEntity> { Namespace = @namespace }, NullLogger<ResourceCache<TEntity>>.Instance);
        cache.Subscribe(change =>
        {
            if (change.Type != ResourceChangeType.Deleted && isThere(change.Entity) && _seen.Add(change.Entity.Metadata.Name) && _seen.Count == count)
            {
                _last.TrySetResult(Stopwatch.GetTimestamp());
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
    public async Task<double> SecondsSinceAsync(long began) =>
        Stopwatch.GetElapsedTime(began, await _last.Task.WaitAsync(Patience).ConfigureAwait(false)).TotalSeconds;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _connection.Dispose();
        _stop.Dispose();
    }
}
