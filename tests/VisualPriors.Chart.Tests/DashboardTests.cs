using System.Text.Json;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>The Grafana dashboard, without Grafana.</summary>
public sealed class DashboardTests
{
    private static readonly JsonElement Dashboard = JsonElement.Parse(File.ReadAllText(Repository.Dashboard));

    [Fact]
    public void Every_panel_says_what_it_shows_and_in_which_unit() => Assert.All(DashboardQueries.Panels(Dashboard), panel =>
    {
        var title = panel.GetProperty("title").GetString();
        Assert.False(string.IsNullOrWhiteSpace(title));
        Assert.False(string.IsNullOrWhiteSpace(panel.GetProperty("description").GetString()), title);
        Assert.False(string.IsNullOrWhiteSpace(panel.GetProperty("fieldConfig").GetProperty("defaults").GetProperty("unit").GetString()), title);
        Assert.NotEmpty(panel.GetProperty("targets").EnumerateArray());
    });

    [Fact]
    public void Panels_lie_side_by_side_and_not_upon_each_other()
    {
        var places = DashboardQueries.Panels(Dashboard).Select(panel => panel.GetProperty("gridPos")).ToList();
        var cells = places.SelectMany(place =>
            from x in Enumerable.Range(place.GetProperty("x").GetInt32(), place.GetProperty("w").GetInt32())
            from y in Enumerable.Range(place.GetProperty("y").GetInt32(), place.GetProperty("h").GetInt32())
            select (x, y)).ToList();
        Assert.Equal(cells.Count, cells.Distinct().Count());
        Assert.All(cells, cell => Assert.InRange(cell.x, 0, 23));
        var identities = Dashboard.GetProperty("panels").EnumerateArray().Select(panel => panel.GetProperty("id").GetInt32()).ToList();
        Assert.Equal(identities.Count, identities.Distinct().Count());
    }

    [Fact]
    public void It_has_the_rows_and_the_variables_that_people_look_for()
    {
        Assert.Equal(
            ["Runs", "Training", "Operator"],
            Dashboard.GetProperty("panels").EnumerateArray().Where(panel => panel.GetProperty("type").GetString() == "row").Select(row => row.GetProperty("title").GetString()));
        Assert.Equal(
            ["datasource", "namespace", "kind", "run"],
            Dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()));
    }

    [Fact]
    public void Every_metric_that_it_asks_for_is_documented()
    {
        var documented = MetricTables.All.SelectMany(metric => metric.Series).ToHashSet();
        Assert.All(DashboardQueries.Read(), query => Assert.Subset(documented, MetricTables.NamesIn(query.Expression).ToHashSet()));
        var variables = Dashboard.GetProperty("templating").GetProperty("list").EnumerateArray()
            .Where(variable => variable.TryGetProperty("definition", out _)).Select(variable => variable.GetProperty("definition").GetString()!).ToList();
        Assert.Equal(3, variables.Count);
        Assert.All(variables, definition => Assert.Subset(documented, MetricTables.NamesIn(definition).ToHashSet()));
    }

    [Fact]
    public void Every_metric_that_is_documented_is_shown()
    {
        var shown = DashboardQueries.Read().SelectMany(query => MetricTables.NamesIn(query.Expression)).ToHashSet();
        Assert.All(MetricTables.All, metric => Assert.True(metric.Series.Any(shown.Contains), $"No panel shows {metric.Name}."));
    }

    [Theory]
    [MemberData(nameof(Expressions))]
    public async Task Prometheus_understands_every_query(string panel, string expression)
    {
        // A rule's file is how promtool takes a query without a server.
        var rules = Path.Combine(Path.GetTempPath(), $"vp-{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(rules, $"groups: [{{name: {JsonSerializer.Serialize(panel)}, rules: [{{record: query, expr: {JsonSerializer.Serialize(expression)}}}]}}]");
        try
        {
            await Command.RunAsync("promtool", ["check", "rules", rules]);
        }
        finally
        {
            File.Delete(rules);
        }
    }

    [Fact]
    public void A_variable_is_replaced_by_its_value_or_by_everything()
    {
        const string Text = """
            {"templating": {"list": [{"name": "run"}, {"name": "kind"}]},
             "panels": [{"type": "row", "title": "r", "panels": [
               {"type": "stat", "title": "p", "targets": [{"expr": "rate(a{run=~\"$run\",kind=~\"${kind}\"}[$__rate_interval])"}]}]}]}
            """;
        var query = Assert.Single(DashboardQueries.Read(Text, new Dictionary<string, string> { ["run"] = "mine" }, "5s"));
        Assert.Equal(new DashboardQuery("p", "rate(a{run=~\"mine\",kind=~\".*\"}[5s])"), query);
    }

    [Fact]
    public void A_variable_that_the_dashboard_does_not_have_is_an_error()
    {
        const string Text = """{"templating": {"list": []}, "panels": [{"type": "stat", "title": "p", "targets": [{"expr": "a{run=\"$run\"}"}]}]}""";
        var error = Assert.Throws<InvalidOperationException>(() => DashboardQueries.Read(Text, new Dictionary<string, string>(), "1m"));
        Assert.Contains("'p' names $run", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Expressions()
    {
        var data = new TheoryData<string, string>();
        foreach (var query in DashboardQueries.Read())
        {
            data.Add(query.Panel, query.Expression);
        }

        return data;
    }
}
