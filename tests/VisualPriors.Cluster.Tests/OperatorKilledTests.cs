using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

[Collection(ClusterTests.Name)]
public sealed class OperatorKilledTests(Installation installation)
{
    /// <summary>Moments of death: the same every time, so that a failure can be looked at again.</summary>
    private readonly Random _random = new(20);

    [Fact]
    public Task A_chain_succeeds_though_its_operator_is_killed_twenty_times() => KillAsync(20, seed: 3, () => Kubectl.RunAsync(
        [
            "delete", "pods", "--namespace", Installation.OperatorNamespace, "--selector", "app.kubernetes.io/component=operator", .. AtOnce,
        ]));

    [Fact]
    public async Task Of_two_replicas_the_other_goes_on_when_the_one_that_leads_is_killed()
    {
        await installation.InstallAsync("replicas=2");
        var leaders = new HashSet<string>();
        try
        {
            await KillAsync(4, seed: 4, async () =>
            {
                var lease = (await Kubectl.ListAsync(Installation.OperatorNamespace, "leases")).Single()!;
                // Nobody where the last one had time to give it back.
                if ((string?)lease["spec"]!["holderIdentity"] is { Length: > 0 } holder)
                {
                    var leader = holder.Split('_')[0];
                    leaders.Add(leader);
                    // It may be gone already, with nobody in its place yet.
                    await Kubectl.TryAsync(["delete", "pod", leader, "--namespace", Installation.OperatorNamespace, .. AtOnce]);
                }
            });
        }
        finally
        {
            await installation.InstallAsync();
        }

        Assert.True(leaders.Count > 1, $"only {string.Join(", ", leaders)} ever led");
    }

    private static string[] AtOnce => ["--grace-period=0", "--force", "--wait=false"];

    private async Task KillAsync(int kills, int seed, Func<Task> killAsync)
    {
        var space = await installation.NamespaceAsync();
        // Longer than the example, so that the kills find something under way.
        var pipeline = Installation.Example("pipeline", seed)
            .Replace("tokens: 200_000", "tokens: 600_000", StringComparison.Ordinal)
            .Replace("minimum: 0.15", "minimum: 0", StringComparison.Ordinal);
        await Kubectl.ApplyAsync(space, pipeline);
        var name = (string)(await Kubectl.ListAsync(space, "pipelines")).Single()!["metadata"]!["name"]!;
        using var stop = new CancellationTokenSource();
        var watch = WatchAsync(space, stop.Token);

        for (var killed = 0; killed < kills; killed++)
        {
            await Task.Delay(_random.Next(200, 6000));
            await killAsync();
        }

        var ended = await Kubectl.WaitForPhaseAsync(space, "pipeline", name, "Succeeded", seconds: 600);
        await stop.CancelAsync();
        var seen = await watch;

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
