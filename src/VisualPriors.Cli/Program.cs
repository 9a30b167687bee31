using System.Runtime.InteropServices;
using VisualPriors.Cli;

// Never disposed: a signal may come at any time, also while the program ends.
var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await Vp.RunAsync(args, Console.Out, Console.Error, stop.Token).ConfigureAwait(false);

void Stop(PosixSignalContext context)
{
    // Keep the process alive until what it does has stopped cleanly.
    context.Cancel = true;
    stop.Cancel();
}
