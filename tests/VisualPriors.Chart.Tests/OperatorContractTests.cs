using System.Reflection;
using Prometheus;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Metrics;
using VisualPriors.Operator.Progress.Authentication;
using VisualPriors.Operator.Settings;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.Chart.Tests;

/// <summary>Chart, dashboard and operator agree: on settings, labels, ports and metrics.</summary>
public sealed class OperatorContractTests
{
    [Fact]
    public async Task The_operator_reads_the_settings_that_the_chart_writes()
    {
        var settings = await SettingsAsync(
            "storage.secretName=storage,storage.secretKey=key,trainer.image.tag=two,trainer.imagePullSecrets={one,other},trainer.gracePeriodSeconds=60",
            "trainer.runtimeClassName=nvidia,workers=7,statusIntervalSeconds=5,log.level=Debug,log.format=text,rbac.namespaced=true",
            "leaderElection.enabled=false,leaderElection.leaseSeconds=30,leaderElection.renewSeconds=20,leaderElection.retrySeconds=4");
        Assert.Equal("visualpriors-system", settings.Namespace);
        Assert.Equal(
            new StorageSettings { Address = "azblob://account/container/prefix", SecretName = "storage", SecretKey = "key" }, settings.Storage);
        Assert.Equal("visualpriors/trainer:two", settings.Trainer.Image);
        Assert.Equal(["one", "other"], settings.Trainer.ImagePullSecrets);
        Assert.Equal((60, "nvidia"), (settings.Trainer.GracePeriodSeconds, settings.Trainer.RuntimeClassName));
        Assert.Equal((7, 5, 8080), (settings.Workers, settings.StatusIntervalSeconds, settings.HttpPort));
        Assert.Equal(
            ("http://visualpriors-operator.visualpriors-system.svc:8080", TokenVerification.PublishedKeys),
            (settings.ReportAddress, settings.TokenVerification));
        Assert.Equal(new LogSettings { Level = "Debug", Format = "text" }, settings.Log);
        Assert.Equal(
            new LeaderElectionSettings { Enabled = false, LeaseName = "visualpriors-operator", LeaseSeconds = 30, RenewSeconds = 20, RetrySeconds = 4 },
            settings.LeaderElection);
    }

    [Fact]
    public async Task The_chart_s_defaults_are_the_operator_s()
    {
        var settings = await SettingsAsync();
        var defaults = new OperatorSettings { Storage = settings.Storage, Trainer = new TrainerSettings { Image = settings.Trainer.Image } };
        Assert.Equal(
            defaults with { ReportAddress = settings.ReportAddress },
            settings with { Trainer = settings.Trainer with { ImagePullSecrets = defaults.Trainer.ImagePullSecrets } });
    }

    [Fact]
    public async Task Policies_and_monitors_select_the_pods_that_the_operator_makes()
    {
        var rendered = await Rendering.ObjectsAsync("--set", "networkPolicy.enabled=true,monitoring.podMonitor.enabled=true,crds.install=false");
        var policy = Assert.Single(rendered, one => one.Title() == "NetworkPolicy visualpriors-trainer");
        Assert.Equal(GangNames.PodSelector, Selector(policy.At("spec", "podSelector", "matchLabels")!));
        Assert.Equal($"{TrainerContract.MetricsPort}", policy.Text("spec", "ingress", 1, "ports", 0, "port"));
        Assert.Equal(GangNames.PodSelector, Selector(policy.At("spec", "egress", 0, "to", 0, "podSelector", "matchLabels")!));
        var operators = Assert.Single(rendered, one => one.Title() == "NetworkPolicy visualpriors-operator");
        Assert.Equal(GangNames.PodSelector, Selector(operators.At("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels")!));
        var monitor = Assert.Single(rendered, one => one.Text("kind") == "PodMonitor");
        Assert.Equal(GangNames.PodSelector, Selector(monitor.At("spec", "selector", "matchLabels")!));
    }

    [Fact]
    public void The_operator_s_metrics_are_those_of_the_documentation()
    {
        var collectors = new[] { typeof(OperatorMetrics), typeof(ControllerMetrics) }.SelectMany(Collectors).ToList();
        Assert.Equal(
            collectors.Select(Describe).Order(StringComparer.Ordinal),
            MetricTables.All.Where(metric => metric is { IsOfTrainer: false } && metric.Name.StartsWith("visualpriors_", StringComparison.Ordinal))
                .Select(metric => $"{metric.Name} {metric.Type} {string.Join(' ', metric.Labels)}").Order(StringComparer.Ordinal));
    }

    private static string Describe(Collector collector) => $"{collector.Name} {collector.GetType().Name.ToLowerInvariant()} {string.Join(' ', collector.LabelNames)}";

    private static IEnumerable<Collector> Collectors(Type type)
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        return type.GetProperties(Any).Select(property => property.GetValue(null))
            .Concat(type.GetFields(Any).Select(field => field.GetValue(null))).OfType<Collector>().DistinctBy(collector => collector.Name);
    }

    private static string Selector(YamlNode labels) =>
        string.Join(',', ((YamlMappingNode)labels).Children.Select(label => $"{label.Key}={label.Value}"));

    private static async Task<OperatorSettings> SettingsAsync(params string[] values)
    {
        var rendered = await Rendering.ObjectsAsync([.. values.SelectMany(value => new[] { "--set", value })]);
        var path = Path.Combine(Path.GetTempPath(), $"vp-{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(path, Assert.Single(rendered, one => one.Text("kind") == "ConfigMap").Text("data", "settings.json"));
        try
        {
            return OperatorSettings.Read(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
