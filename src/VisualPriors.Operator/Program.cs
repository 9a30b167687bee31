using System.Globalization;
using System.Runtime.InteropServices;
using k8s;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Compact;
using VisualPriors.Api.Errors;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Hosting;
using VisualPriors.Operator.Settings;

// Never disposed: a signal may come at any time, also while the program ends.
var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

switch (args)
{
    case ["--settings", var path]:
        return await RunAsync(path).ConfigureAwait(false);
    case ["check", "--address", var address]:
        return await HealthCheck.RunAsync(address, Console.Out, stop.Token).ConfigureAwait(false);
    default:
        await Console.Error.WriteLineAsync("""
            usage: VisualPriors.Operator --settings FILE
                   VisualPriors.Operator check --address URL
            """).ConfigureAwait(false);
        return 2;
}

async Task<int> RunAsync(string path)
{
    OperatorSettings settings;
    try
    {
        settings = OperatorSettings.Read(path);
    }
    catch (InvalidInputException e)
    {
        await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
        return 2;
    }

    var log = new LoggerConfiguration().MinimumLevel.Is(Enum.Parse<LogEventLevel>(settings.Log.Level, ignoreCase: true)).Enrich.FromLogContext();
    Log.Logger = settings.Log.Format == "json"
        ? log.WriteTo.Console(new RenderedCompactJsonFormatter()).CreateLogger()
        : log.WriteTo.Console(formatProvider: CultureInfo.InvariantCulture).CreateLogger();
    using var loggers = new SerilogLoggerFactory(Log.Logger);
    try
    {
        using var connection = KubernetesConnection.Create(KubernetesClientConfiguration.BuildDefaultConfig());
        var ownNamespace = Environment.GetEnvironmentVariable("POD_NAMESPACE") is { Length: > 0 } name ? name : "default";
        await OperatorHost.RunAsync(settings, ownNamespace, connection, TimeProvider.System, loggers, stop.Token).ConfigureAwait(false);
        return 0;
    }
    catch (LeadershipLostException e)
    {
        // Whatever this process still believes may be out of date: the next one begins afresh.
        Log.Error("{Message}", e.Message);
        return 1;
    }
    finally
    {
        await Log.CloseAndFlushAsync().ConfigureAwait(false);
    }
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
