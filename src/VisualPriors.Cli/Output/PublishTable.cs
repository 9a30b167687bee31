using System.Globalization;
using Spectre.Console;

namespace VisualPriors.Cli.Output;

/// <summary>Shows which data sets lie in a store now.</summary>
internal static class PublishTable
{
    public static void Write(IAnsiConsole console, IReadOnlyList<PublishedSet> sets)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Data set", "Kind", "Digest")
            .AddColumn("Bytes", column => column.RightAligned())
            .AddColumn("Sent", column => column.RightAligned())
            .AddColumn("Address");
        foreach (var set in sets)
        {
            table.AddRow(
                Markup.Escape(set.Name),
                Markup.Escape(set.Kind),
                set.Digest[..12],
                set.Bytes.ToString("N0", CultureInfo.InvariantCulture),
                set.WasThere ? "was there" : set.SentBytes.ToString("N0", CultureInfo.InvariantCulture),
                Markup.Escape(set.Address));
        }

        console.Write(table);
    }
}
