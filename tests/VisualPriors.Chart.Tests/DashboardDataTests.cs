using System.Diagnostics;
using System.Text.Json;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>
/// The dashboard on a real Prometheus that scrapes what docs/monitoring.md promises, labels and all. Whether operator and trainers keep the
/// promise is asked on a real cluster.
/// </summary>
public sealed class DashboardDataTests
{
    [Fact]
    public async Task Every_query_returns_data_when_the_documented_metrics_are_there()
    {
        await using var prometheus = await ScrapeAsync();
        var empty = Strict(DashboardQueries.Read(interval: "10s")).ToList();
        for (var clock = Stopwatch.StartNew(); empty.Count > 0 && clock.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(200))
        {
            empty = [.. await WithoutDataAsync(prometheus.Server, empty)];
        }

        Assert.Empty(empty);

        // A variable is at work where another value of it finds nothing.
        foreach (var variable in new[] { "namespace", "kind", "run" })
        {
            var others = Strict(DashboardQueries.Read(new Dictionary<string, string> { [variable] = "another" }, "10s"))
                .Where(query => query.Expression.Contains("\"another\"", StringComparison.Ordinal)).ToList();
            Assert.NotEmpty(others);
            Assert.Equal(others, await WithoutDataAsync(prometheus.Server, others));
        }
    }

    /// <summary>Without the 0 that stands for what has never happened: here all of it has.</summary>
    private static IEnumerable<DashboardQuery> Strict(IEnumerable<DashboardQuery> queries) =>
        queries.Select(query => query with { Expression = query.Expression.Replace(" or on () vector(0)", "", StringComparison.Ordinal) });

    private static async Task<List<DashboardQuery>> WithoutDataAsync(PrometheusServer server, IEnumerable<DashboardQuery> queries)
    {
        var empty = new List<DashboardQuery>();
        foreach (var query in queries)
        {
            if ((await server.QueryAsync(query.Expression)).All(IsNotANumber))
            {
                empty.Add(query);
            }
        }

        return empty;
    }

    private static bool IsNotANumber(JsonElement series) => series.GetProperty("value")[1].GetString() == "NaN";

    private static async Task<Scraped> ScrapeAsync()
    {
        var server = await PrometheusServer.StartAsync();
        var operators = new DocumentedExporter(MetricTables.All.Where(metric => !metric.IsOfTrainer));
        var trainers = new DocumentedExporter(MetricTables.All.Where(metric => metric.IsOfTrainer));
        server.SetTargets(
            PrometheusConfiguration.Operator,
            new PrometheusTarget(operators.Address, new Dictionary<string, string> { ["namespace"] = "system", ["pod"] = "operator-1" }));
        server.SetTargets(
            PrometheusConfiguration.Trainer, new PrometheusTarget(trainers.Address, new Dictionary<string, string> { ["pod"] = "trainer-1" }));
        return new Scraped(server, operators, trainers);
    }

    private sealed record Scraped(PrometheusServer Server, DocumentedExporter Operators, DocumentedExporter Trainers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            await Operators.DisposeAsync();
            await Trainers.DisposeAsync();
        }
    }
}
