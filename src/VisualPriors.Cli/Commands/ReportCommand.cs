using System.CommandLine;
using VisualPriors.Cli.Output;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp report</c>: writes a finished run's report anew.</summary>
internal static class ReportCommand
{
    public static CommandDefinition Create()
    {
        var output = new Option<string>("--output") { Description = "The output folder of a finished run.", Required = true };
        var command = new Command("report", "Write report.html anew from what a finished run left.") { output };
        return new CommandDefinition(command, (parsed, cli, _) =>
        {
            var report = Path.GetFullPath(ReportWriter.Write(parsed.GetRequiredValue(output)));
            if (cli.IsJson)
            {
                cli.WriteJson(new ReportDocument(report), CliJson.Indented.ReportDocument);
            }
            else
            {
                cli.Out.WriteLine($"Report: {report}");
            }

            return Task.CompletedTask;
        });
    }
}
