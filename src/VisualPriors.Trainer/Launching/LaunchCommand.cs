using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Serilog;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Pods;

namespace VisualPriors.Trainer.Launching;

/// <summary><c>VisualPriors.Trainer launch</c>: runs once on every node and starts its rank processes.</summary>
internal static class LaunchCommand
{
    /// <summary>Fetches what lies elsewhere, launches a plan's ranks, waits for all of them, and publishes what they gave.</summary>
    /// <param name="arguments">The words after <c>launch</c>.</param>
    /// <param name="environment">Looks environment variables up.</param>
    /// <param name="messages">Takes rank 0's progress.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="stop">Asks for an end: ranks save and stop, fetching breaks off, publishing has the grace that ranks have.</param>
    public static async Task<StageOutcome> RunAsync(
        IReadOnlyList<string> arguments, Func<string, string?> environment, MessageWriter messages, TextWriter error, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var log = new LaunchLog(TextWriter.Synchronized(error).WriteLine, TrainerLog.IsJson(environment) ? Log.Logger : null);
        var outcome = await RunAsync(arguments, environment, messages, log, started, stop).ConfigureAwait(false);
        TerminationMessage.Write(environment(TrainerVariables.TerminationMessage), outcome, log.Say);
        return outcome;
    }

    private static async Task<StageOutcome> RunAsync(
        IReadOnlyList<string> arguments, Func<string, string?> environment, MessageWriter messages, LaunchLog log, long started, CancellationToken stop)
    {
        try
        {
            var options = LaunchOptions.Parse(arguments, environment);
            var pod = PodSettings.Parse(environment);
            var plan = PlanJson.Read(options.Plan);
            var layout = NodeLayout.Of(options, plan.Placement.Compute, FindFreePort, () => RandomNumberGenerator.GetHexString(32, lowercase: true));
            await using var reporting = Reporting.Start(pod, plan, layout, messages, log.Say);
            var stage = new StoredStage(
                options.Plan, plan, ScratchPlaces.Of(options.Plan, plan, pod.Scratch), layout.RankOf(0) == 0,
                TrainerEnvironment.Fence(environment, options.Attempt), reporting.Report, log.Say);
            if (await stage.TryFindFinishedAsync(stop).ConfigureAwait(false) is { } finished)
            {
                return finished;
            }

            await stage.FetchInputsAsync(stop).ConfigureAwait(false);
            var launcher = new Launcher(RankCommand.ThisProgram(), new LaunchPatience { Grace = options.Grace }, log, reporting.Report);
            // One grace for all: what ranks take of it to save is not there for publishing.
            using var deadline = new CancellationTokenSource();
            await using var registration = stop.Register(() => deadline.CancelAfter(options.Grace));
            var outcome = await launcher.RunAsync(options.Plan, layout, stop).ConfigureAwait(false);
            return await stage.PublishAsync(outcome, reporting.Last, deadline.Token).ConfigureAwait(false);
        }
        catch (InvalidInputException e)
        {
            return End(StageResult.UserError, e.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return End(StageResult.Interrupted, "stopped on request, before the artifact was published");
        }
        catch (Exception e)
        {
            // The outermost boundary: whatever it was, the control plane is told.
            log.Say($"{e}");
            return End(StageResult.Failed, $"{e.GetType().Name}: {e.Message}");
        }

        StageOutcome End(StageResult result, string message) =>
            new() { Result = result, Message = message, Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds };
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
