using System.Diagnostics;
using k8s;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>
/// From an event's bytes being read from the operator's own watch to the start of the reconcile that it causes, on an operator that has nothing
/// else to do. The start is where a reconcile first asks for the time, after reading the run. A suspended run's label is changed: one event,
/// one reconcile, no write.
/// </summary>
internal static class EventLatency
{
    private const int WarmUp = 100;
    private const int Count = 500;

    /// <summary>Between two events, for the operator to fall idle.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <returns>Seconds from event to start, and from the patch's being sent to start; in rising order.</returns>
    public static async Task<(double[] FromEvent, double[] FromPatch)> MeasureAsync(LoadPlane plane)
    {
        using var reads = new WatchReads("pretrainruns");
        using var client = new Kubernetes(plane.Server.Configuration(), reads);
        using var connection = new KubernetesConnection(client);
        var space = await plane.NamespaceAsync().ConfigureAwait(false);
        var clock = new Clock(reads);
        var @operator = new LoadedOperator(plane, space, connection, clock);
        await using var _ = @operator.ConfigureAwait(false);
        await @operator.ReadyAsync().ConfigureAwait(false);
        var suspended = await Arrivals<PretrainRunEntity>.WatchAsync(plane, space, 1, Acceptance.IsAccepted).ConfigureAwait(false);
        await using (suspended.ConfigureAwait(false))
        {
            await plane.CreateRunsAsync(space, "run", 1, 1, isSuspended: true).ConfigureAwait(false);
            await suspended.SecondsSinceAsync(Stopwatch.GetTimestamp()).ConfigureAwait(false);
        }

        var fromEvent = new List<double>();
        var fromPatch = new List<double>();
        for (var i = -WarmUp; i < Count; i++)
        {
            await Task.Delay(Pause).ConfigureAwait(false);
            var reconcile = clock.NextReconcile();
            var sent = Stopwatch.GetTimestamp();
            await plane.LabelRunAsync(space, "run-0", i + WarmUp).ConfigureAwait(false);
            var (read, start) = await reconcile.WaitAsync(TimeSpan.FromSeconds(30)).ConfigureAwait(false);
            if (read < sent)
            {
                throw new InvalidOperationException("a reconcile began that no event had caused: the operator was not idle");
            }

            if (i >= 0)
            {
                fromEvent.Add(Stopwatch.GetElapsedTime(read, start).TotalSeconds);
                fromPatch.Add(Stopwatch.GetElapsedTime(sent, start).TotalSeconds);
            }
        }

        return ([.. fromEvent.Order()], [.. fromPatch.Order()]);
    }

    /// <summary>The operator's clock, that a reconcile asks once, when it begins.</summary>
    private sealed class Clock(WatchReads reads) : TimeProvider
    {
        private TaskCompletionSource<(long Read, long Start)>? _next;

        public Task<(long Read, long Start)> NextReconcile()
        {
            var next = new TaskCompletionSource<(long, long)>(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _next, next);
            return next.Task;
        }

        public override DateTimeOffset GetUtcNow()
        {
            Interlocked.Exchange(ref _next, null)?.TrySetResult((reads.Last, Stopwatch.GetTimestamp()));
            return base.GetUtcNow();
        }
    }
}
