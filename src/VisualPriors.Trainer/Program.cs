using System.Diagnostics;
using System.Runtime.InteropServices;
using Serilog;
using VisualPriors.Api.Plans;
using VisualPriors.Distributed.Communication;
using VisualPriors.Trainer;
using VisualPriors.Trainer.Launching;

Log.Logger = TrainerLog.Create(Environment.GetEnvironmentVariable, isRank: args is ["run", ..]);

// Never disposed: a signal may come at any time, also while the program ends.
var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
var messages = new MessageWriter(Console.Out);

var started = Stopwatch.GetTimestamp();
StageOutcome outcome;
switch (args)
{
    case ["run", "--plan", var planPath]:
        ParentWatch.Start(Environment.GetEnvironmentVariable, Console.OpenStandardInput(), StopOrDie);
        outcome = StageRunner.Run(
            planPath, Environment.GetEnvironmentVariable(TrainerVariables.Scratch), RendezvousSettings.FromEnvironment, messages.Progress, EndIfStuck, stop.Token);
        break;
    case ["launch", .. var options]:
        ParentWatch.Start(Environment.GetEnvironmentVariable, Console.OpenStandardInput(), stop.Cancel);
        outcome = await LaunchCommand.RunAsync(options, Environment.GetEnvironmentVariable, messages, Console.Error, stop.Token).ConfigureAwait(false);
        break;
    default:
        await Console.Error.WriteLineAsync("""
            usage: VisualPriors.Trainer launch --plan FILE [--node-rank R] [--master-address HOST] [--master-port P] [--attempt N]
                   VisualPriors.Trainer run --plan FILE
            """).ConfigureAwait(false);
        return TrainerExitCode.Of(StageResult.UserError);
}

messages.Outcome(outcome);
await Log.CloseAndFlushAsync().ConfigureAwait(false);
return TrainerExitCode.Of(outcome.Result);

void Stop(PosixSignalContext context)
{
    // Keep the process alive until the stage has noticed and cleaned up.
    context.Cancel = true;
    stop.Cancel();
}

void StopOrDie()
{
    stop.Cancel();
    // The launcher is gone: nobody else is left to end this process if it cannot stop.
    Thread.Sleep(TrainerEnvironment.Grace(Environment.GetEnvironmentVariable));
    Process.GetCurrentProcess().Kill();
}

void EndIfStuck(CollectiveException failure)
{
    // The stage's own thread sees the failure at its next collective, unless it waits for a GPU that will never answer.
    Thread.Sleep(TimeSpan.FromSeconds(10));
    messages.Outcome(new StageOutcome { Result = StageResult.PeerLost, Message = failure.Message, Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds });
    Environment.Exit(TrainerExitCode.Of(StageResult.PeerLost));
}
