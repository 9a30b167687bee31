using System.Diagnostics;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>Processor time by process: who of those that share this machine's cores takes how much of them.</summary>
/// <param name="Own">This process: the operator or the plain loop, and who asks and watches.</param>
/// <param name="ApiServer">kube-apiserver.</param>
/// <param name="Etcd">etcd.</param>
internal readonly record struct ProcessorTimes(TimeSpan Own, TimeSpan ApiServer, TimeSpan Etcd)
{
    /// <summary>Used so far.</summary>
    public static ProcessorTimes Read(TestApiServer server) => new(Of(Environment.ProcessId), Of(server.ProcessId), Of(server.EtcdProcessId));

    /// <summary>Used since.</summary>
    public ProcessorTimes Since(ProcessorTimes before) => new(Own - before.Own, ApiServer - before.ApiServer, Etcd - before.Etcd);

    /// <summary>Used by both.</summary>
    public ProcessorTimes Plus(ProcessorTimes other) => new(Own + other.Own, ApiServer + other.ApiServer, Etcd + other.Etcd);

    private static TimeSpan Of(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime;
    }
}

/// <summary>How long a load took, and what it took.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="Used">Processor time meanwhile.</param>
internal readonly record struct LoadTime(double Seconds, ProcessorTimes Used)
{
    /// <summary>One after the other.</summary>
    public LoadTime Plus(LoadTime other) => new(Seconds + other.Seconds, Used.Plus(other.Used));
}
