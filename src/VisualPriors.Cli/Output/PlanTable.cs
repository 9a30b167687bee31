using System.Globalization;
using Spectre.Console;
using VisualPriors.Cli.Experiments;

namespace VisualPriors.Cli.Output;

/// <summary>Shows what an experiment comes to, before it runs.</summary>
internal static class PlanTable
{
    public static void Write(IAnsiConsole console, Experiment experiment)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Run", "Kind", "From")
            .AddColumn("Steps", column => column.RightAligned())
            .AddColumns("Digest", "State");
        foreach (var stage in StageSummary.Of(experiment))
        {
            table.AddRow(
                Markup.Escape(stage.Run),
                Markup.Escape(stage.Kind),
                Markup.Escape(stage.From ?? ""),
                stage.Steps.ToString("N0", CultureInfo.InvariantCulture),
                stage.Digest[..12],
                stage.Finished ? "[green]finished[/]" : "to do");
        }

        console.Write(table);
    }
}
