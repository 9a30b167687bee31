using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

/// <summary>The chart in namespaced mode: less may be done, and nothing is missing in that namespace.</summary>
[Collection(ClusterTests.Name)]
public sealed class NamespacedModeTests(Installation installation)
{
    [Fact]
    public async Task A_run_tells_its_progress_without_any_cluster_role()
    {
        await installation.InstallAsync("rbac.namespaced=true");
        try
        {
            Assert.DoesNotContain("visualpriors", await Kubectl.RunAsync("get", "clusterroles,clusterrolebindings", "--output=name"), StringComparison.Ordinal);
            await Kubectl.ApplyAsync(Installation.OperatorNamespace, Installation.Example("pretrainrun", seed: 9));
            var run = await Kubectl.WaitForPhaseAsync(Installation.OperatorNamespace, "pretrainrun", "small-pretrain", "Succeeded");
            Assert.Matches(@"^[1-9]\d*/\d+$", (string?)run["status"]!["progress"]?["steps"]);
        }
        finally
        {
            await Kubectl.TryAsync("delete", "pretrainrun", "small-pretrain", "--namespace", Installation.OperatorNamespace);
            await installation.InstallAsync();
        }
    }
}
