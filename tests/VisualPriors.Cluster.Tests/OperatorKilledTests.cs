using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

[Collection(ClusterTests.Name)]
public sealed class OperatorKilledTests(Installation installation)
{
    private const int Kills = 20;

    /// <summary>Moments of death: the same every time, so that a failure can be looked at again.</summary>
    private readonly Random _random = new(20);

    [Fact]
    public async Task A_chain_succeeds_though_its_operator_is_killed_twenty_times()
    {
        var space = await installation.NamespaceAsync();
        // Longer than the example, so that the kills find something under way.
        var pipeline = Installation.Example("pipeline", seed: 3)
            .Replace("tokens: 200_000", "tokens: 600_000", StringComparison.Ordinal)
            .Replace("minimum: 0.15", "minimum: 0", StringComparison.Ordinal);
        await Kubectl.ApplyAsync(space, pipeline);
        var name = (string)(await Kubectl.ListAsync(space, "pipelines")).Single()!["metadata"]!["name"]!;
        using var stop = new CancellationTokenSource();
        var watch = WatchAsync(space, stop.Token);

        var killed = 0;
        for (; killed < Kills; killed++)
        {
            await Task.Delay(_random.Next(200, 6000));
            await Kubectl.RunAsync(
                "delete", "pods", "--namespace", Installation.OperatorNamespace, "--selector", "app.kubernetes.io/component=operator", "--grace-period=0", "--force", "--wait=false");
        }

        var ended = await Kubectl.WaitForPhaseAsync(space, "pipeline", name, "Succeeded", seconds: 600);
        await stop.CancelAsync();
        var seen = await watch;

        Assert.Equal(Kills, killed);
        var stages = ended["status"]!["stages"]!.AsArray();
        var runs = await Kubectl.ListAsync(space, "pretrainruns,alignruns,sftruns,evalruns");
        Assert.Equal(stages.Count, runs.Count);
        Assert.All(runs, run => Assert.Equal(1, (int)run!["status"]!["attempt"]!));
        Assert.All(runs, run => Assert.Null(run!["status"]!["failure"]));

        // A pod of one name with two uids was made twice; one whose owner is gone is an orphan.
        Assert.All(seen.GroupBy(pod => pod.Name), pods => Assert.Single(pods.Select(pod => pod.Uid).Distinct()));
        Assert.Equal(stages.Count, seen.Select(pod => pod.Name).Distinct().Count());
        var owners = runs.Select(run => (string)run!["metadata"]!["uid"]!).ToHashSet();
        foreach (var kind in new[] { "pods", "services", "configmaps", "secrets" })
        {
            var ours = (await Kubectl.ListAsync(space, kind)).Where(item => (string?)item!["metadata"]!["labels"]?["app.kubernetes.io/managed-by"] == "visualpriors").ToList();
            Assert.Equal(stages.Count, ours.Count);
            Assert.All(ours, item => Assert.Contains((string)item!["metadata"]!["ownerReferences"]![0]!["uid"]!, owners));
        }

        await Kubectl.DeleteNamespaceAsync(space);
    }

    private static async Task<IReadOnlyList<(string Name, string Uid)>> WatchAsync(string space, CancellationToken stop)
    {
        var seen = new HashSet<(string, string)>();
        while (!stop.IsCancellationRequested)
        {
            foreach (var pod in await Kubectl.ListAsync(space, "pods"))
            {
                seen.Add(((string)pod!["metadata"]!["name"]!, (string)pod["metadata"]!["uid"]!));
            }

            await Task.Delay(500, CancellationToken.None);
        }

        return [.. seen];
    }
}
