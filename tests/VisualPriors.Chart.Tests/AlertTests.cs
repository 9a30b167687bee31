using VisualPriors.ChartTesting;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.Chart.Tests;

/// <summary>Alerts, and the example configuration of Prometheus, as its own tool sees them.</summary>
public sealed class AlertTests
{
    private static readonly string Rules = Path.Combine(Repository.Prometheus, "alerts.yaml");
    private static readonly string Scenarios = Path.Combine(Repository.Tests("VisualPriors.Chart.Tests"), "alerts.test.yaml");

    private static readonly IReadOnlyList<YamlMappingNode> Alerts =
        [.. ((YamlSequenceNode)Rendering.Parse(File.ReadAllText(Rules))[0].At("groups", 0, "rules")!).Cast<YamlMappingNode>()];

    [Fact]
    public async Task Promtool_finds_the_rules_well_formed() => await Command.RunAsync("promtool", ["check", "rules", "--lint=all", "--lint-fatal", Rules]);

    [Fact]
    public async Task Alerts_fire_when_they_should_and_only_then() => await Command.RunAsync("promtool", ["test", "rules", Scenarios]);

    [Fact]
    public void Every_alert_is_tried_and_documented()
    {
        var scenarios = File.ReadAllText(Scenarios);
        var documentation = File.ReadAllText(Path.Combine(Repository.Root, "docs", "monitoring.md"));
        Assert.NotEmpty(Alerts);
        Assert.All(Alerts, alert =>
        {
            Assert.Contains($"alertname: {alert.Text("alert")}\n        exp_alerts:\n", scenarios, StringComparison.Ordinal);
            Assert.Contains($"| `{alert.Text("alert")}` |", documentation, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Every_metric_that_an_alert_asks_for_is_documented()
    {
        var documented = MetricTables.All.SelectMany(metric => metric.Series).ToHashSet();
        Assert.All(Alerts, alert => Assert.Subset(documented, MetricTables.NamesIn(alert.Text("expr")).ToHashSet()));
    }

    [Fact]
    public async Task Promtool_finds_the_example_configuration_well_formed()
    {
        var folder = Directory.CreateTempSubdirectory("vp-prometheus-").FullName;
        try
        {
            await Command.RunAsync("promtool", ["check", "config", PrometheusConfiguration.Write(folder, "1s")]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(PrometheusConfiguration.Operator, "Deployment", "http")]
    [InlineData(PrometheusConfiguration.Trainer, null, "metrics")]
    public async Task The_example_configuration_selects_the_chart_s_pods(string job, string? kind, string port)
    {
        var jobs = (YamlSequenceNode)Rendering.Parse(File.ReadAllText(Path.Combine(Repository.Prometheus, "prometheus.yaml")))[0].At("scrape_configs")!;
        var scraped = Assert.Single(jobs, one => one.Text("job_name") == job);
        var selector = scraped.Text("kubernetes_sd_configs", 0, "selectors", 0, "label");
        Assert.Contains((YamlSequenceNode)scraped.At("relabel_configs")!, rule =>
            rule.Text("source_labels", 0) == "__meta_kubernetes_pod_container_port_name" && rule.Text("regex") == port && rule.Text("action") == "keep");
        // What the chart's own monitors select: the trainer's pods are not of the chart.
        var rendered = await Rendering.ObjectsAsync("--set", "monitoring.podMonitor.enabled=true,crds.install=false");
        var labels = (YamlMappingNode)(kind is null
            ? Assert.Single(rendered, one => one.Text("kind") == "PodMonitor").At("spec", "selector", "matchLabels")!
            : Assert.Single(rendered, one => one.Text("kind") == kind).At("spec", "template", "metadata", "labels")!);
        Assert.Subset(labels.Children.Select(label => $"{label.Key}={label.Value}").ToHashSet(), selector.Split(',').ToHashSet());
    }
}
