using System.Globalization;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer;

/// <summary>The trainer's log, on standard error: standard output belongs to the contract.</summary>
internal static class TrainerLog
{
    /// <summary>Whether an operator reads it: then it is JSON, one object a line.</summary>
    public static bool IsJson(Func<string, string?> environment) => environment(TrainerVariables.LogFormat) == "json";

    /// <summary>A logger whose every event says of which run, attempt and (in a rank process) rank it is.</summary>
    /// <param name="environment">Looks environment variables up.</param>
    /// <param name="isRank">Whether this is a rank process.</param>
    public static ILogger Create(Func<string, string?> environment, bool isRank)
    {
        var configuration = new LoggerConfiguration();
        Add("Run", environment(TrainerVariables.Run));
        Add("Attempt", Number(environment(TrainerVariables.Attempt)));
        Add("Rank", isRank ? Number(environment(TrainerEnvironment.Rank)) ?? 0 : (long?)null);
        return IsJson(environment)
            ? configuration.WriteTo.Console(new RenderedCompactJsonFormatter(), standardErrorFromLevel: LogEventLevel.Verbose).CreateLogger()
            : configuration.WriteTo.Console(standardErrorFromLevel: LogEventLevel.Verbose, formatProvider: CultureInfo.InvariantCulture).CreateLogger();

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                configuration.Enrich.WithProperty(name, value);
            }
        }
    }

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
