using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>
/// A replica in a process of its own: while it leads it acts every few milliseconds, each time writing its identity and the machine's
/// monotonic clock into a file that all replicas append to. Ends with 0 when told to, 3 when leadership is lost.
/// </summary>
internal static class LeaderProgram
{
    public const int LostExitCode = 3;

    public static async Task<int> Main(string[] args)
    {
        if (args is not ["lead", var kubeConfig, var port, var space, var identity, var file, var seconds])
        {
            await Console.Error.WriteLineAsync("This is a test assembly: run it with dotnet test.");
            return 2;
        }
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        var configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeConfig);
        configuration.Host = $"https://127.0.0.1:{port}";
        using var connection = KubernetesConnection.Create(configuration);
        var options = new LeaderElectionOptions { Namespace = space, Name = "leader", Identity = identity };
        if (double.Parse(seconds, CultureInfo.InvariantCulture) is > 0 and var lease)
        {
            options = options with
            {
                LeaseDuration = TimeSpan.FromSeconds(lease),
                RenewDeadline = TimeSpan.FromSeconds(lease * 2 / 3),
                RenewPeriod = TimeSpan.FromSeconds(lease / 8),
            };
        }
        var elector = new LeaderElector(connection, options, NullLogger<LeaderElector>.Instance);
        try
        {
            await elector.RunAsync(lost => ActAsync(elector, identity, file, lost, stop.Token), stop.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (LeadershipLostException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return LostExitCode;
        }
    }

    private static async Task ActAsync(LeaderElector elector, string identity, string file, CancellationToken lost, CancellationToken stop)
    {
        using var log = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        while (!lost.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // As each write of a manager's clients does: a process that slept may not know yet that its time is over.
            if (elector.IsLeader)
            {
                log.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{identity} {Stopwatch.GetTimestamp()}\n")));
            }
            await Task.Delay(5, CancellationToken.None);
        }
    }
}
