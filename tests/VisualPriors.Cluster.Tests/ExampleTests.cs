using System.Text.Json.Nodes;
using VisualPriors.ChartTesting;
using VisualPriors.Cluster.Tests.Infrastructure;
using VisualPriors.Storage;

namespace VisualPriors.Cluster.Tests;

/// <summary>The four examples as a person applies them, watched by kubectl and by Prometheus.</summary>
[Collection(ClusterTests.Name)]
public sealed class ExampleTests(Installation installation)
{
    private static readonly string[] Kinds = ["pretrainrun", "alignrun", "sftrun", "evalrun"];

    [Fact]
    public async Task Four_manifests_applied_in_any_order_make_a_chain_that_tells_its_story()
    {
        var space = await installation.NamespaceAsync();
        await using var prometheus = await PrometheusServer.StartAsync();
        foreach (var kind in Kinds.Reverse())
        {
            // Longer than the examples, so that Prometheus finds every stage at work.
            await Kubectl.ApplyAsync(space, Installation.Example(kind, seed: 1)
                .Replace("tokens: 200_000", "tokens: 600_000", StringComparison.Ordinal)
                .Replace("answering: likelihood", "answering: generation\n      blind: true", StringComparison.Ordinal));
        }

        var names = new Dictionary<string, string>();
        foreach (var run in await Kubectl.ListAsync(space, "pretrainruns,alignruns,sftruns,evalruns"))
        {
            names[((string)run!["kind"]!).ToLowerInvariant()] = (string)run["metadata"]!["name"]!;
        }

        await Kubectl.WaitForPhaseAsync(space, "pretrainrun", names["pretrainrun"], "Running");
        var unanswered = await ScrapeUntilAnsweredAsync(prometheus, space, names);
        Assert.True(unanswered.Count == 0, $"panels without data while the chain ran: {string.Join(", ", unanswered)}");

        foreach (var kind in Kinds)
        {
            var run = await Kubectl.WaitForPhaseAsync(space, kind, names[kind], "Succeeded");
            var artifact = run["status"]!["artifact"]!;
            var stored = await ArtifactStore.TryReadManifestAsync((string)artifact["address"]!, default);
            Assert.Equal(((string)artifact["digest"]!, (string)run["status"]!["stageDigest"]!), (stored!.Digest, stored.Manifest.StageDigest));
            Assert.StartsWith(installation.Store, (string)artifact["address"]!, StringComparison.Ordinal);
        }

        // The evaluation's last report may still be on its way.
        foreach (var kind in Kinds[..^1])
        {
            var reported = (await Kubectl.GetAsync(space, kind, names[kind]))["status"]!["progress"]!;
            Assert.Equal((kind, (long)reported["totalSteps"]!), (kind, (long)reported["step"]!));
        }

        var table = await Kubectl.RunAsync("get", "pretrainruns", "--namespace", space);
        foreach (var column in new[] { "PHASE", "STEP", "LOSS", "ETA" })
        {
            Assert.Contains(column, table, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("Succeeded", table, StringComparison.Ordinal);
        var progress = (await Kubectl.GetAsync(space, "pretrainrun", names["pretrainrun"]))["status"]!["progress"]!;
        Assert.Contains((string)progress["steps"]!, table, StringComparison.Ordinal);
        Assert.Contains((string)progress["loss"]!, table, StringComparison.Ordinal);

        var story = await Kubectl.RunAsync("describe", "alignrun", names["alignrun"], "--namespace", space);
        foreach (var reason in new[] { "WaitingForUpstream", "AttemptStarted", "Running", "Succeeded" })
        {
            Assert.Contains(reason, story, StringComparison.Ordinal);
        }

        await Kubectl.DeleteNamespaceAsync(space);
    }

    /// <summary>Scrapes whatever runs until every panel has had data once.</summary>
    private static async Task<HashSet<string>> ScrapeUntilAnsweredAsync(PrometheusServer prometheus, string space, Dictionary<string, string> names)
    {
        var queries = DashboardQueries.Read(new Dictionary<string, string> { ["namespace"] = ".*", ["kind"] = ".*", ["run"] = ".*" }, interval: "15s");
        var open = queries.Select(query => query.Panel).ToHashSet();
        for (var last = ""; open.Count > 0 && last is not "Succeeded";)
        {
            prometheus.SetTargets(PrometheusConfiguration.Operator, [.. await TargetsAsync(Installation.OperatorNamespace, "app.kubernetes.io/component=operator", 8080)]);
            prometheus.SetTargets(PrometheusConfiguration.Trainer, [.. await TargetsAsync(space, "app.kubernetes.io/component=trainer", 9400)]);
            await Task.Delay(1000);
            foreach (var query in queries.Where(query => open.Contains(query.Panel)).ToList())
            {
                if ((await prometheus.QueryAsync(query.Expression)).Count > 0)
                {
                    open.Remove(query.Panel);
                }
            }

            last = (string?)(await Kubectl.GetAsync(space, "evalrun", names["evalrun"]))["status"]?["phase"] ?? "";
        }

        return open;
    }

    private static async Task<IEnumerable<PrometheusTarget>> TargetsAsync(string space, string selector, int port)
    {
        var pods = JsonNode.Parse(await Kubectl.RunAsync("get", "pods", "--namespace", space, "--selector", selector, "--output", "json"))!["items"]!.AsArray();
        return pods.Where(pod => (string?)pod!["status"]!["phase"] == "Running" && pod["status"]!["podIP"] is not null)
            .Select(pod => new PrometheusTarget($"{pod!["status"]!["podIP"]}:{port}", new Dictionary<string, string> { ["pod"] = (string)pod["metadata"]!["name"]! }))
            .ToList();
    }
}
