using System.Diagnostics;
using System.Text.Json;
using k8s.Models;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>How fast an operator makes pods, and how fast the API server takes them.</summary>
internal sealed class PodCreation(LoadPlane plane, int nodes)
{
    /// <summary>An operator finds runs when it starts.</summary>
    /// <returns>From its start until the last pod is seen.</returns>
    public async Task<LoadTime> FromStartAsync(int runs)
    {
        var space = await plane.NamespaceAsync().ConfigureAwait(false);
        await plane.CreateRunsAsync(space, "run", runs, nodes, isSuspended: false).ConfigureAwait(false);
        var pods = await Arrivals<V1Pod>.WatchAsync(plane, space, runs * nodes, _ => true).ConfigureAwait(false);
        await using var _ = pods.ConfigureAwait(false);
        var used = ProcessorTimes.Read(plane.Server);
        var began = Stopwatch.GetTimestamp();
        var @operator = new LoadedOperator(plane, space);
        await using var __ = @operator.ConfigureAwait(false);
        return await TimeAsync(pods, began, used).ConfigureAwait(false);
    }

    /// <summary>Runs are made while an operator runs.</summary>
    /// <returns>From the first run's request until the last pod is seen; the operator's requests by verb.</returns>
    public async Task<(LoadTime Time, IReadOnlyDictionary<string, double> Requests)> FromApplyAsync(int runs)
    {
        var space = await plane.NamespaceAsync().ConfigureAwait(false);
        var pods = await Arrivals<V1Pod>.WatchAsync(plane, space, runs * nodes, _ => true).ConfigureAwait(false);
        await using var _ = pods.ConfigureAwait(false);
        var @operator = new LoadedOperator(plane, space);
        await using var __ = @operator.ConfigureAwait(false);
        await @operator.ReadyAsync().ConfigureAwait(false);
        var before = await ClientRequests.ReadAsync().ConfigureAwait(false);
        var used = ProcessorTimes.Read(plane.Server);
        var began = Stopwatch.GetTimestamp();
        await plane.CreateRunsAsync(space, "run", runs, nodes, isSuspended: false).ConfigureAwait(false);
        var time = await TimeAsync(pods, began, used).ConfigureAwait(false);
        return (time, await ClientRequests.SettledSinceAsync(before).ConfigureAwait(false));
    }

    /// <summary>A loop makes equal pods, and nothing else, on the operator's connection.</summary>
    /// <returns>From its start until the last pod is seen.</returns>
    public async Task<LoadTime> PlainAsync(int runs)
    {
        var space = await plane.NamespaceAsync().ConfigureAwait(false);
        var pods = await Arrivals<V1Pod>.WatchAsync(plane, space, runs * nodes, _ => true).ConfigureAwait(false);
        await using var _ = pods.ConfigureAwait(false);
        var client = new ResourceClient<V1Pod>(plane.Connection);
        var builder = new GangBuilder(plane.Settings(space));
        var requests = Enumerable.Range(0, runs).Select(run => Request(space, $"run-{run}")).ToArray();
        var used = ProcessorTimes.Read(plane.Server);
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, runs * nodes),
            new ParallelOptions { MaxDegreeOfParallelism = LoadPlane.InFlight },
            async (index, token) => await client.CreateAsync(builder.Pod(requests[index / nodes], index % nodes), cancellationToken: token).ConfigureAwait(false))
            .ConfigureAwait(false);
        return await TimeAsync(pods, began, used).ConfigureAwait(false);
    }

    private async Task<LoadTime> TimeAsync(Arrivals<V1Pod> pods, long began, ProcessorTimes before)
    {
        var seconds = await pods.SecondsSinceAsync(began).ConfigureAwait(false);
        return new LoadTime(seconds, ProcessorTimes.Read(plane.Server).Since(before));
    }

    private GangRequest Request(string space, string name)
    {
        using var spec = JsonDocument.Parse($$$"""
            {
              "model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"code": 1, "math": 3}},
              "training": {"tokens": 64, "sequenceLength": 8, "globalBatchSize": {{{nodes}}} }, "compute": {"nodes": {{{nodes}}} }
            }
            """);
        var run = ResourceReader.ReadRun("PretrainRun", new ObjectMeta { Name = name, Namespace = space }, spec.RootElement);
        var data = new Dictionary<string, DataSet> { ["corpus"] = new($"{StagePlaces.DataOf(plane.Store)}/corpus", new string('0', 64)) };
        var plan = StagePlanner.Plan([run], data, StagePlaces.InStore(plane.Store))[0].Plan;
        return new GangRequest(
            new RunKey("PretrainRun", space, name), Guid.NewGuid().ToString(), Run.GroupVersion, 1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), run.Compute, plan);
    }
}
