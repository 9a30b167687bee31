namespace VisualPriors.Chart.Tests;

/// <summary>A value of the chart.</summary>
/// <param name="Path">Its path, such as <c>storage.address</c>.</param>
/// <param name="Default">What stands in values.yaml.</param>
/// <param name="Comment">The comment above it.</param>
internal sealed record ChartValue(string Path, string Default, string Comment);

/// <summary>Reads values.yaml with its comments, which no parser of YAML keeps: a value on the line of its key, a comment right above.</summary>
internal static class ValuesTable
{
    /// <summary>Every value, in order.</summary>
    public static IReadOnlyList<ChartValue> Read(string text)
    {
        var values = new List<ChartValue>();
        var path = new List<string>();
        var comment = "";
        foreach (var line in text.Split('\n'))
        {
            var trimmed = line.TrimStart();
            if (trimmed.StartsWith('#'))
            {
                comment = $"{comment} {trimmed[1..].Trim()}".Trim();
                continue;
            }

            if (trimmed.Length > 0)
            {
                var colon = trimmed.IndexOf(':', StringComparison.Ordinal);
                // Two spaces for each level.
                path.RemoveRange((line.Length - trimmed.Length) / 2, path.Count - ((line.Length - trimmed.Length) / 2));
                path.Add(trimmed[..colon]);
                if (trimmed.Length > colon + 1)
                {
                    values.Add(new ChartValue(string.Join('.', path), trimmed[(colon + 1)..].Trim(), comment));
                }
            }

            comment = "";
        }

        return values;
    }

    /// <summary>The values as a table in Markdown.</summary>
    public static string Markdown(IEnumerable<ChartValue> values) => string.Concat(
        ["| value | default | meaning |\n| --- | --- | --- |\n", .. values.Select(value => $"| `{value.Path}` | `{value.Default}` | {value.Comment} |\n")]);
}
