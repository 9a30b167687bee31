using System.Runtime.InteropServices;
using Serilog;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer;

// Standard output belongs to the contract (one TrainerMessage a line); logs go to standard error.
Log.Logger = new LoggerConfiguration()
    .WriteTo.Console(standardErrorFromLevel: Serilog.Events.LogEventLevel.Verbose, formatProvider: System.Globalization.CultureInfo.InvariantCulture)
    .CreateLogger();

if (args is not ["run", "--plan", var planPath])
{
    await Console.Error.WriteLineAsync("usage: VisualPriors.Trainer run --plan FILE").ConfigureAwait(false);
    return TrainerExitCode.Of(StageResult.UserError);
}

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

var messages = new MessageWriter(Console.Out);
var outcome = StageRunner.Run(planPath, messages.Progress, stop.Token);
messages.Outcome(outcome);
await Log.CloseAndFlushAsync().ConfigureAwait(false);
return TrainerExitCode.Of(outcome.Result);

void Stop(PosixSignalContext context)
{
    // Keep the process alive until the stage has noticed and cleaned up.
    context.Cancel = true;
    stop.Cancel();
}
