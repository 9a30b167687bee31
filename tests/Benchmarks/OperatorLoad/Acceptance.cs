using System.Diagnostics;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>Suspended runs that an operator accepts, and the memory that they then take in it.</summary>
/// <param name="Seconds">From the first run's request until the last is seen accepted.</param>
/// <param name="HeapBytes">Live objects on the managed heap, more than before.</param>
/// <param name="ResidentBytes">Resident memory of the process, more than before.</param>
internal sealed record Acceptance(double Seconds, long HeapBytes, long ResidentBytes)
{
    private const int WarmUp = 200;

    public static async Task<Acceptance> MeasureAsync(LoadPlane plane, int count, int nodes)
    {
        var space = await plane.NamespaceAsync().ConfigureAwait(false);
        var @operator = new LoadedOperator(plane, space);
        await using var _ = @operator.ConfigureAwait(false);
        await @operator.ReadyAsync().ConfigureAwait(false);
        await AcceptAsync(plane, space, "warm", Math.Min(WarmUp, count), nodes).ConfigureAwait(false);
        var (heap, resident) = Memory();
        var seconds = await AcceptAsync(plane, space, "run", count, nodes).ConfigureAwait(false);
        var (heapAfter, residentAfter) = Memory();
        return new Acceptance(seconds, heapAfter - heap, residentAfter - resident);
    }

    /// <summary>Whether a suspended run has been accepted and says so.</summary>
    public static bool IsAccepted(PretrainRunEntity run) =>
        run.Status is { Phase: RunPhase.Suspended } status && Conditions.IsTrue(status.Conditions, ConditionTypes.Accepted);

    private static async Task<double> AcceptAsync(LoadPlane plane, string space, string name, int count, int nodes)
    {
        // Gone before memory is looked at: what it holds is not the operator's.
        var accepted = await Arrivals<PretrainRunEntity>.WatchAsync(
            plane, space, count, run => IsAccepted(run) && run.Metadata.Name.StartsWith(name, StringComparison.Ordinal)).ConfigureAwait(false);
        await using var _ = accepted.ConfigureAwait(false);
        var began = Stopwatch.GetTimestamp();
        await plane.CreateRunsAsync(space, name, count, nodes, isSuspended: true).ConfigureAwait(false);
        return await accepted.SecondsSinceAsync(began).ConfigureAwait(false);
    }

    private static (long Heap, long Resident) Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    }
}
