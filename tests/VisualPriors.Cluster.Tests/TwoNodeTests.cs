using System.Text.Json.Nodes;
using VisualPriors.Cluster.Tests.Infrastructure;
using VisualPriors.Storage;

namespace VisualPriors.Cluster.Tests;

[Collection(ClusterTests.Name)]
public sealed class TwoNodeTests(Installation installation)
{
    /// <summary>What many ranks may differ from few by, relative: the same bound that tests of sharding hold.</summary>
    private const double Tolerance = 1e-5;

    [Fact]
    public async Task Two_pods_on_two_nodes_train_as_two_processes_on_one_machine_do()
    {
        var space = await installation.NamespaceAsync();
        var manifest = Installation.Example("pretrainrun-two-nodes", seed: 2);
        await Kubectl.ApplyAsync(space, manifest);
        var name = (string)(await Kubectl.ListAsync(space, "pretrainruns")).Single()!["metadata"]!["name"]!;
        var run = await Kubectl.WaitForPhaseAsync(space, "pretrainrun", name, "Succeeded");

        var pods = await Kubectl.ListAsync(space, "pods");
        Assert.Equal(2, pods.Count);
        if ((await Kubectl.ListAsync("default", "nodes")).Count > 1)
        {
            Assert.Equal(2, pods.Select(pod => (string)pod!["spec"]!["nodeName"]!).Distinct().Count());
        }

        var there = Path.Combine(installation.Folder, "two-nodes");
        await ArtifactStore.FetchAsync((string)run["status"]!["artifact"]!["address"]!, there, _ => { }, default);
        var local = Path.Combine(installation.Folder, "two-nodes.yaml");
        await File.WriteAllTextAsync(local, manifest.Replace("nodes: 2", "processesPerNode: 2", StringComparison.Ordinal));
        var output = Path.Combine(installation.Folder, "two-nodes-local");
        await Installation.VpAsync("run", "--json", "--file", local, "--data", installation.Data, "--output", output);
        var here = Path.Combine(output, "stages", (string)run["status"]!["stageDigest"]!);

        var expected = Losses(here);
        var actual = Losses(there);
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Count, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second) / pair.First, 0, Tolerance));
        await Kubectl.DeleteNamespaceAsync(space);
    }

    private static List<double> Losses(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!["loss"]).OfType<JsonNode>().Select(loss => (double)loss),
    ];
}
