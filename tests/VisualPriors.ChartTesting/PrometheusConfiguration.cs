using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.ChartTesting;

/// <summary>What Prometheus scrapes, and how it names it.</summary>
/// <param name="Address">Host and port.</param>
/// <param name="Labels">Labels that the example's relabelling would give, such as <c>namespace</c> and <c>pod</c>.</param>
public sealed record PrometheusTarget(string Address, IReadOnlyDictionary<string, string> Labels);

/// <summary>
/// The example configuration for a Prometheus that is told its targets: Debian's build cannot ask Kubernetes for them. Jobs, label rules of
/// scraping and alerts stay those of the example.
/// </summary>
public static class PrometheusConfiguration
{
    /// <summary>Job of the operator's pods.</summary>
    public const string Operator = "visualpriors-operator";

    /// <summary>Job of trainer pods.</summary>
    public const string Trainer = "visualpriors-trainer";

    /// <summary>Writes <c>prometheus.yaml</c> and <c>alerts.yaml</c> into a folder, without targets yet.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="scrapeInterval">How often targets are scraped, as Prometheus writes it, such as <c>1s</c>.</param>
    /// <returns>Path of the configuration.</returns>
    public static string Write(string folder, string scrapeInterval)
    {
        var stream = new YamlStream();
        using (var example = new StreamReader(Path.Combine(Repository.Prometheus, "prometheus.yaml")))
        {
            stream.Load(example);
        }

        var root = (YamlMappingNode)stream.Documents[0].RootNode;
        ((YamlMappingNode)root.Children["global"]).Children["scrape_interval"] = scrapeInterval;
        foreach (var job in ((YamlSequenceNode)root.Children["scrape_configs"]).Cast<YamlMappingNode>())
        {
            var name = ((YamlScalarNode)job.Children["job_name"]).Value!;
            WriteTargets(folder, name, []);
            job.Children.Remove("kubernetes_sd_configs");
            job.Children.Remove("relabel_configs");
            // Prometheus begins to watch the file only after it has first read it: what changes between the two is seen at the next refresh,
            // every 5 minutes if nothing is said.
            job.Children["file_sd_configs"] = new YamlSequenceNode(
                new YamlMappingNode("files", new YamlSequenceNode(TargetFile(folder, name)), "refresh_interval", "1s"));
        }

        var path = Path.Combine(folder, "prometheus.yaml");
        using (var writer = new StreamWriter(path))
        {
            stream.Save(writer, assignAnchors: false);
        }

        File.Copy(Path.Combine(Repository.Prometheus, "alerts.yaml"), Path.Combine(folder, "alerts.yaml"), overwrite: true);
        return path;
    }

    /// <summary>Says what a job scrapes from now on; a running Prometheus notices.</summary>
    public static void WriteTargets(string folder, string job, IEnumerable<PrometheusTarget> targets)
    {
        var path = TargetFile(folder, job);
        // Whole or not at all: Prometheus reads at any time.
        File.WriteAllText($"{path}.new", JsonSerializer.Serialize(targets.Select(target => new { targets = new[] { target.Address }, labels = target.Labels })));
        File.Move($"{path}.new", path, overwrite: true);
    }

    private static string TargetFile(string folder, string job) => Path.Combine(folder, $"{job}.json");
}
