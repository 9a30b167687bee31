using System.Globalization;
using Spectre.Console;
using VisualPriors.Api.Plans;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>Shows what a run gave.</summary>
internal static class ResultsTable
{
    public static void Write(IAnsiConsole console, RunRecord record)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Run", "Stage")
            .AddColumn("Time", column => column.RightAligned())
            .AddColumns("Result", "Value");
        table.Columns[^1].RightAligned();
        foreach (var stage in record.Stages)
        {
            var time = StageText.Duration(TimeSpan.FromSeconds(stage.Seconds)) + (stage.Reused ? " (reused)" : "");
            var results = stage.Results.DefaultIfEmpty(KeyValuePair.Create("", double.NaN)).ToList();
            for (var i = 0; i < results.Count; i++)
            {
                var (name, value) = results[i];
                table.AddRow(
                    i == 0 ? Markup.Escape(stage.Run) : "",
                    i == 0 ? stage.Kind : "",
                    i == 0 ? time : "",
                    Markup.Escape(name),
                    name.Length == 0 ? "" : Format(stage.Kind, value));
            }
        }

        console.Write(table);
    }

    /// <summary>Counts as whole numbers, an evaluation's shares as percentages, the rest with four digits.</summary>
    private static string Format(string kind, double value) =>
        value == Math.Floor(value) && Math.Abs(value) is 0 or >= 2 ? value.ToString("N0", CultureInfo.InvariantCulture)
        : kind == ArtifactKind.Eval ? value.ToString("P1", CultureInfo.InvariantCulture)
        : Math.Abs(value) >= 1000 ? value.ToString("N0", CultureInfo.InvariantCulture)
        : value.ToString("0.0000", CultureInfo.InvariantCulture);
}
