using System.Text.Json;
using System.Text.RegularExpressions;

namespace VisualPriors.ChartTesting;

/// <summary>A query of a dashboard's panel, ready for Prometheus.</summary>
/// <param name="Panel">Title of the panel.</param>
/// <param name="Expression">The query, without variables.</param>
public sealed record DashboardQuery(string Panel, string Expression);

/// <summary>Every query of a Grafana dashboard, with its variables in place as Grafana would put them.</summary>
public static partial class DashboardQueries
{
    /// <summary>Reads the queries of the project's dashboard.</summary>
    /// <param name="variables">Values of variables by name (<c>namespace</c>, <c>kind</c>, <c>run</c>); those left out match everything.</param>
    /// <param name="interval">What Grafana would take for rates: at least four times the interval that Prometheus scrapes in.</param>
    public static IReadOnlyList<DashboardQuery> Read(IReadOnlyDictionary<string, string>? variables = null, string interval = "1m") =>
        Read(File.ReadAllText(Repository.Dashboard), variables ?? new Dictionary<string, string>(), interval);

    /// <summary>Reads the queries of a dashboard.</summary>
    /// <param name="json">The dashboard, as exported from Grafana.</param>
    /// <param name="variables">Values of variables by name.</param>
    /// <param name="interval">What stands for <c>$__rate_interval</c>.</param>
    /// <exception cref="InvalidOperationException">A query names a variable that the dashboard does not have.</exception>
    public static IReadOnlyList<DashboardQuery> Read(string json, IReadOnlyDictionary<string, string> variables, string interval)
    {
        using var document = JsonDocument.Parse(json);
        var dashboard = document.RootElement;
        var values = dashboard.GetProperty("templating").GetProperty("list").EnumerateArray()
            .Select(variable => variable.GetProperty("name").GetString()!)
            .ToDictionary(name => name, name => variables.GetValueOrDefault(name, ".*"));
        values["__rate_interval"] = interval;
        return
        [
            .. from panel in Panels(dashboard)
               where panel.TryGetProperty("targets", out _)
               let title = panel.GetProperty("title").GetString()!
               from target in panel.GetProperty("targets").EnumerateArray()
               select new DashboardQuery(title, Substitute(title, target.GetProperty("expr").GetString()!, values)),
        ];
    }

    /// <summary>Every panel of a dashboard but its rows, those in collapsed rows too.</summary>
    public static IEnumerable<JsonElement> Panels(JsonElement dashboard) =>
        from panel in dashboard.GetProperty("panels").EnumerateArray()
        from leaf in panel.GetProperty("type").GetString() != "row" ? [panel]
            : panel.TryGetProperty("panels", out var inner) ? inner.EnumerateArray() : Enumerable.Empty<JsonElement>()
        select leaf;

    private static string Substitute(string panel, string expression, Dictionary<string, string> values) =>
        Variable().Replace(expression, match => values.TryGetValue(match.Groups["name"].Value, out var value)
            ? value
            : throw new InvalidOperationException($"Panel '{panel}' names {match.Value}, which the dashboard does not have."));

    [GeneratedRegex(@"\$\{?(?<name>\w+)\}?")]
    private static partial Regex Variable();
}
