using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary><c>VisualPriors.Trainer launch</c>: runs once on every node and starts its rank processes.</summary>
internal static class LaunchCommand
{
    /// <summary>Launches a plan's ranks and waits for all of them.</summary>
    /// <param name="arguments">The words after <c>launch</c>.</param>
    /// <param name="environment">Looks environment variables up.</param>
    /// <param name="messages">Takes rank 0's progress.</param>
    /// <param name="log">Standard error.</param>
    /// <param name="stop">Asks the ranks to save and stop.</param>
    public static async Task<StageOutcome> RunAsync(
        IReadOnlyList<string> arguments, Func<string, string?> environment, MessageWriter messages, TextWriter log, CancellationToken stop)
    {
        try
        {
            var options = LaunchOptions.Parse(arguments, environment);
            var plan = PlanJson.Read(options.Plan);
            var layout = NodeLayout.Of(options, plan.Placement.Compute, FindFreePort, () => RandomNumberGenerator.GetHexString(32, lowercase: true));
            var synchronized = TextWriter.Synchronized(log);
            var launcher = new Launcher(
                RankCommand.ThisProgram(), new LaunchPatience { Grace = options.Grace }, synchronized.WriteLine, messages.Forward);
            return await launcher.RunAsync(options.Plan, layout, stop).ConfigureAwait(false);
        }
        catch (InvalidInputException e)
        {
            return new StageOutcome { Result = StageResult.UserError, Message = e.Message, Seconds = 0 };
        }
        catch (Exception e)
        {
            // The outermost boundary: whatever it was, the control plane is told.
            await log.WriteLineAsync($"[launch] {e}").ConfigureAwait(false);
            return new StageOutcome { Result = StageResult.Failed, Message = $"{e.GetType().Name}: {e.Message}", Seconds = 0 };
        }
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
