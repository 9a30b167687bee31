using System.Text.RegularExpressions;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>The table of the operator's rights in docs/install.md.</summary>
internal static partial class RightsTable
{
    /// <summary>Rights that hold in some of <c>runs</c>, <c>own</c> and <c>cluster</c>: <c>resource verb</c> each, in order.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyCollection<string> places) =>
    [
        .. (from line in File.ReadLines(Path.Combine(Repository.Root, "docs", "install.md"))
            let row = Row().Match(line)
            where row.Success && places.Contains(row.Groups["where"].Value)
            from resource in Resource().Matches(row.Groups["resources"].Value)
            from verb in row.Groups["verbs"].Value.Split(", ")
            select $"{resource.Groups[1].Value} {verb}").Distinct().Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex(@"^\| (?<resources>`[^|]+`) \| (?<verbs>[a-z, ]+) \| (?<where>runs|own|cluster) \|")]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Resource();
}
