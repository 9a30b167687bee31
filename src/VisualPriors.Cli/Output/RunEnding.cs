using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>What is left when a chain is finished, here or elsewhere: summary and report, and a word about them.</summary>
internal static class RunEnding
{
    /// <summary>Writes <c>summary.json</c> and <c>report.html</c> into the output folder, and says so.</summary>
    public static void Write(CliOutput cli, Experiment experiment, RunRecord record)
    {
        var output = experiment.OutputDirectory;
        var summary = RunSummary.Of(experiment, record);
        RunSummary.Write(output, summary);
        var report = ReportWriter.Write(output);
        if (cli.IsJson)
        {
            cli.WriteJson(new RunEvent { Event = "finished", Summary = summary, Report = Path.GetFullPath(report) }, CliJson.Line.RunEvent);
        }
        else
        {
            ResultsTable.Write(cli.Console, record);
            cli.Out.WriteLine($"Summary: {Path.GetFullPath(Path.Combine(output, RunSummary.FileName))}");
            cli.Out.WriteLine($"Report:  {Path.GetFullPath(report)}");
        }
    }
}
