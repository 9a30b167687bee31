using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using VisualPriors.Api.Errors;
using VisualPriors.Cli.Commands;
using VisualPriors.Cli.Output;
using VisualPriors.Cli.Trainer;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Cli;

/// <summary>The program <c>vp</c>, apart from its process.</summary>
internal static class Vp
{
    private static readonly Option<bool> Json = new("--json")
    {
        Description = "Write JSON to standard output, for programs: one document, or one line per event.",
        Recursive = true,
    };

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The words after the program's name.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The exit code, see <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var root = new RootCommand("VisualPriors: pre-train a decoder on chosen text, teach it to see, and measure what it saw.")
        {
            Json,
            Bind(PrepareCommand.Create()),
            Bind(ValidateCommand.Create()),
            Bind(PlanCommand.Create()),
            Bind(RunCommand.Create()),
            Bind(ReportCommand.Create()),
            Bind(PublishCommand.Create()),
            Bind(FetchCommand.Create()),
            Bind(ExportCommand.Create()),
            Bind(ImportCommand.Create()),
            Bind(CrdsCommand.Create()),
        };
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExitCodes((HelpAction)help.Action!);
        }

        var parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            var usage = new ErrorReport(ExitCode.BadInput, string.Join(" ", parsed.Errors.Select(e => e.Message)), []);
            new CliOutput(output, error, parsed.GetValue(Json)).Write(usage);
            return usage.ExitCode;
        }

        return await parsed.InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
            cancellationToken).ConfigureAwait(false);

        Command Bind(CommandDefinition definition)
        {
            definition.Command.SetAction((parsed, token) => GuardAsync(
                new CliOutput(output, error, parsed.GetValue(Json)), cli => definition.ExecuteAsync(parsed, cli, token)));
            return definition.Command;
        }
    }

    /// <summary>The one place where exceptions become messages and exit codes.</summary>
    private static async Task<int> GuardAsync(CliOutput cli, Func<CliOutput, Task> execute)
    {
        try
        {
            await execute(cli).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (Exception e)
        {
            var report = Explain(e);
            cli.Write(report);
            return report.ExitCode;
        }
    }

    private static ErrorReport Explain(Exception exception) => exception switch
    {
        InvalidInputException e => new ErrorReport(ExitCode.BadInput, "bad input", e.Errors),
        OperationCanceledException => new ErrorReport(ExitCode.Interrupted, "interrupted; what is finished is kept, and a training that had begun goes on from its checkpoint when it is run again", []),
        StageFailedException e => new ErrorReport(e.ExitCode, e.Message, []),
        StoreException or IOException or UnauthorizedAccessException => new ErrorReport(ExitCode.Failed, exception.Message, []),
        // Not foreseen, so a mistake of ours: all there is to know.
        _ => new ErrorReport(ExitCode.Failed, exception.ToString(), []),
    };

    /// <summary>Help that ends with the exit codes.</summary>
    private sealed class HelpWithExitCodes(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var exitCode = help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.Write(ExitCode.Help);
            return exitCode;
        }
    }
}
