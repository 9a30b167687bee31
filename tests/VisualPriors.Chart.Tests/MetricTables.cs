using System.Text.RegularExpressions;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>A metric as docs/monitoring.md tells of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">gauge, counter or histogram.</param>
/// <param name="Labels">Names of its labels.</param>
internal sealed record Metric(string Name, string Type, IReadOnlyList<string> Labels)
{
    /// <summary>Whether a trainer tells it; else the operator does.</summary>
    public bool IsOfTrainer => Name.StartsWith("visualpriors_training_", StringComparison.Ordinal);

    /// <summary>Names of its series: a histogram has three.</summary>
    public IEnumerable<string> Series => Type == "histogram" ? [$"{Name}_bucket", $"{Name}_sum", $"{Name}_count"] : [Name];
}

/// <summary>The tables of docs/monitoring.md.</summary>
internal static partial class MetricTables
{
    /// <summary>Every metric.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "docs", "monitoring.md")).Select(line => Row().Match(line)).Where(match => match.Success)
            .Select(match => new Metric(
                match.Groups["name"].Value,
                match.Groups["type"].Value,
                match.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))),
    ];

    /// <summary>Names of metrics in a query.</summary>
    public static IReadOnlySet<string> NamesIn(string expression) =>
        Name().Matches(expression).Select(match => match.Value).ToHashSet();

    [GeneratedRegex(@"^\| `(?<name>\w+)` \| (?<type>gauge|counter|histogram) \| (?<labels>[^|]*)\|")]
    private static partial Regex Row();

    [GeneratedRegex(@"\b(visualpriors|process)_\w+")]
    private static partial Regex Name();
}
