using System.Text.Json.Nodes;
using VisualPriors.ChartTesting;
using VisualPriors.Cluster.Tests.Infrastructure;
using VisualPriors.Storage;
using ClusterUnderTest = VisualPriors.Cluster.Tests.Infrastructure.Cluster;

namespace VisualPriors.Cluster.Tests;

/// <summary>The four examples as a person applies them, watched by kubectl and by Prometheus.</summary>
[Collection(ClusterTests.Name)]
public sealed class ExampleTests(ClusterUnderTest cluster)
{
    private static readonly string[] Kinds = ["pretrainrun", "alignrun", "sftrun", "evalrun"];

    [Fact]
    public async Task Four_manifests_applied_in_any_order_make_a_chain_that_tells_its_story()
    {
        var space = await cluster.NamespaceAsync();
        await using var prometheus = await PrometheusServer.StartAsync();
        foreach (var kind in Kinds.Reverse())
        {
            await cluster.ApplyAsync(space, ClusterUnderTest.Example(kind, seed: 1));
        }

        var names = new Dictionary<string, string>();
        foreach (var run in await cluster.ListAsync(space, "pretrainruns,alignruns,sftruns,evalruns"))
        {
            names[((string)run!["kind"]!).ToLowerInvariant()] = (string)run["metadata"]!["name"]!;
        }

        await cluster.WaitForPhaseAsync(space, "pretrainrun", names["pretrainrun"], "Running");
        var unanswered = await ScrapeUntilAnsweredAsync(prometheus, space, names);
        Assert.True(unanswered.Count == 0, $"panels without data while the chain ran: {string.Join(", ", unanswered)}");

        foreach (var kind in Kinds)
        {
            var run = await cluster.WaitForPhaseAsync(space, kind, names[kind], "Succeeded");
            var artifact = run["status"]!["artifact"]!;
            var stored = await ArtifactStore.TryReadManifestAsync((string)artifact["address"]!, default);
            Assert.Equal(((string)artifact["digest"]!, (string)run["status"]!["stageDigest"]!), (stored!.Digest, stored.Manifest.StageDigest));
            Assert.StartsWith(cluster.Store, (string)artifact["address"]!, StringComparison.Ordinal);
        }

        var table = await cluster.KubectlAsync("get", "pretrainruns", "--namespace", space);
        foreach (var column in new[] { "PHASE", "STEP", "LOSS", "ETA" })
        {
            Assert.Contains(column, table, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("Succeeded", table, StringComparison.Ordinal);
        var progress = (await cluster.GetAsync(space, "pretrainrun", names["pretrainrun"]))["status"]!["progress"]!;
        Assert.Contains((string)progress["steps"]!, table, StringComparison.Ordinal);
        Assert.Contains((string)progress["loss"]!, table, StringComparison.Ordinal);

        var story = await cluster.KubectlAsync("describe", "alignrun", names["alignrun"], "--namespace", space);
        foreach (var reason in new[] { "WaitingForUpstream", "AttemptStarted", "Running", "Succeeded" })
        {
            Assert.Contains(reason, story, StringComparison.Ordinal);
        }

        await cluster.DeleteNamespaceAsync(space);
    }

    /// <summary>Scrapes whatever runs until every panel has had data once.</summary>
    private async Task<HashSet<string>> ScrapeUntilAnsweredAsync(PrometheusServer prometheus, string space, Dictionary<string, string> names)
    {
        var queries = DashboardQueries.Read(new Dictionary<string, string> { ["namespace"] = ".*", ["kind"] = ".*", ["run"] = ".*" }, interval: "15s");
        var open = queries.Select(query => query.Panel).ToHashSet();
        for (var last = ""; open.Count > 0 && last is not "Succeeded";)
        {
            prometheus.SetTargets(PrometheusConfiguration.Operator, [.. await TargetsAsync(ClusterUnderTest.OperatorNamespace, "app.kubernetes.io/component=operator", 8080)]);
            prometheus.SetTargets(PrometheusConfiguration.Trainer, [.. await TargetsAsync(space, "app.kubernetes.io/component=trainer", 9400)]);
            await Task.Delay(1000);
            foreach (var query in queries.Where(query => open.Contains(query.Panel)).ToList())
            {
                if ((await prometheus.QueryAsync(query.Expression)).Count > 0)
                {
                    open.Remove(query.Panel);
                }
            }

            last = (string?)(await cluster.GetAsync(space, "evalrun", names["evalrun"]))["status"]?["phase"] ?? "";
        }

        return open;
    }

    private async Task<IEnumerable<PrometheusTarget>> TargetsAsync(string space, string selector, int port)
    {
        var pods = JsonNode.Parse(await cluster.KubectlAsync("get", "pods", "--namespace", space, "--selector", selector, "--output", "json"))!["items"]!.AsArray();
        return pods.Where(pod => (string?)pod!["status"]!["phase"] == "Running" && pod["status"]!["podIP"] is not null)
            .Select(pod => new PrometheusTarget($"{pod!["status"]!["podIP"]}:{port}", new Dictionary<string, string> { ["pod"] = (string)pod["metadata"]!["name"]! }))
            .ToList();
    }
}
