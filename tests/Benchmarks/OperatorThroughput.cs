using System.Globalization;
using System.Runtime.InteropServices;
using k8s;
using VisualPriors.Benchmarks.OperatorLoad;

namespace VisualPriors.Benchmarks;

/// <summary>
/// The operator in this process against a real API server and etcd, without kubelet: pods per second beside what the API server takes from a plain
/// loop in the same run, event to reconcile, runs accepted, memory and requests. The plain loop goes before and after the operator, so that
/// other work on the machine slows both. All of it shares this machine's cores: operator, servers, and who asks and watches.
/// </summary>
internal static class OperatorThroughput
{
    /// <summary>A tenth of the runs warm up: compilation, connections, the server's own caches.</summary>
    private const int WarmUpShare = 10;

    private const int LeastWarmUp = 4;

    /// <returns>Exit code: 1 where something failed, stood still or was told to stop. The servers end with it in any case.</returns>
    public static async Task<int> RunAsync(OperatorThroughputOptions options)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            var plane = await LoadPlane.StartAsync().ConfigureAwait(false);
            await using var _ = plane.ConfigureAwait(false);
            // What the measurement waits for when the other two end first is left behind: the process ends.
            await (await Task.WhenAny(MeasureAsync(plane, options), plane.Broken, stop.Task).ConfigureAwait(false)).ConfigureAwait(false);
            return 0;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync($"operator-throughput: {e.Message}").ConfigureAwait(false);
            return 1;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetException(new OperationCanceledException($"stopped by {context.Signal}"));
        }
    }

    private static async Task MeasureAsync(LoadPlane plane, OperatorThroughputOptions options)
    {
        var version = await plane.Server.Client.Version.GetCodeAsync().ConfigureAwait(false);
        Print($"kube-apiserver {version.GitVersion}, {Environment.ProcessorCount} cores; {options.Runs} runs of {options.Nodes} pods, {options.Accepted} runs accepted");
        await PodsAsync(new PodCreation(plane, options.Nodes), options).ConfigureAwait(false);
        await EventsAsync(plane).ConfigureAwait(false);
        await AcceptedAsync(plane, options).ConfigureAwait(false);
        Console.WriteLine("""

            others, on harnesses that differ from this one and from each other (other machines, kinds of object, Kubernetes and ends of the clock):
              Kueue     42.7 admissions/s over 15,000 workloads (envtest)
              JobSet    290 pods/s (failure recovery on 15,000 nodes)
              KubeRay   1,000 clusters in 258 s (GKE, pods really run)
            """);
    }

    private static async Task PodsAsync(PodCreation creation, OperatorThroughputOptions options)
    {
        var warmUp = Math.Max(options.Runs / WarmUpShare, LeastWarmUp);
        await creation.PlainAsync(warmUp).ConfigureAwait(false);
        await creation.FromStartAsync(warmUp).ConfigureAwait(false);
        await creation.FromApplyAsync(warmUp).ConfigureAwait(false);

        var half = options.Runs / 2;
        var plain = half > 0 ? await creation.PlainAsync(half).ConfigureAwait(false) : default;
        var fromStart = await creation.FromStartAsync(options.Runs).ConfigureAwait(false);
        plain = plain.Plus(await creation.PlainAsync(options.Runs - half).ConfigureAwait(false));
        var (fromApply, requests) = await creation.FromApplyAsync(options.Runs).ConfigureAwait(false);

        double pods = options.Runs * options.Nodes;
        PodsRow("pods, operator start to last pod seen", fromStart);
        PodsRow("pods, plain create loop, same connection", plain);
        Row("ratio, operator to plain loop", $"{plain.Seconds / fromStart.Seconds:F2}", "");
        PodsRow("pods, first apply to last pod seen", fromApply);
        var verbs = requests.OrderByDescending(entry => entry.Value)
            .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key} {entry.Value / options.Runs:F2}"));
        Row("API calls per run", $"{requests.Values.Sum() / options.Runs:F2}", string.Join(", ", verbs));

        void PodsRow(string what, LoadTime time)
        {
            var (own, server, etcd) = time.Used;
            Row(what, $"{time.Seconds:F2} s", string.Create(
                CultureInfo.InvariantCulture,
                $"{pods / time.Seconds:F0} pods/s; CPU ms per pod: this process {PerPod(own):F2}, apiserver {PerPod(server):F2}, etcd {PerPod(etcd):F2}"));
        }

        double PerPod(TimeSpan used) => used.TotalMilliseconds / pods;
    }

    private static async Task EventsAsync(LoadPlane plane)
    {
        var (fromEvent, fromPatch) = await EventLatency.MeasureAsync(plane).ConfigureAwait(false);
        Row("event read to reconcile start, p50", Milliseconds(fromEvent, 0.5), $"p99 {Milliseconds(fromEvent, 0.99)}, {fromEvent.Length} patches, idle");
        Row("patch sent to reconcile start, p50", Milliseconds(fromPatch, 0.5), $"p99 {Milliseconds(fromPatch, 0.99)}, the server's part included");
    }

    private static async Task AcceptedAsync(LoadPlane plane, OperatorThroughputOptions options)
    {
        var acceptance = await Acceptance.MeasureAsync(plane, options.Accepted, options.Nodes).ConfigureAwait(false);
        Row("runs, first create to last accepted", $"{acceptance.Seconds:F2} s", $"{options.Accepted / acceptance.Seconds:F0} runs/s");
        Row("resident memory per 10,000 runs", MiB(acceptance.ResidentBytes), $"{MiB(acceptance.HeapBytes)} of live objects");

        string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes * 10_000.0 / options.Accepted / (1 << 20):F1} MiB");
    }

    private static string Milliseconds(double[] sorted, double quantile) =>
        string.Create(CultureInfo.InvariantCulture, $"{sorted[(int)Math.Ceiling(quantile * sorted.Length) - 1] * 1000:F2} ms");

    private static void Row(string what, string value, string more) => Print($"{what,-42} {value,12}  {more}");

    private static void Print(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line).TrimEnd());
}
