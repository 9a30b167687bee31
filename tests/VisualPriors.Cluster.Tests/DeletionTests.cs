using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

/// <summary>Whatever is deleted leaves nothing behind.</summary>
[Collection(ClusterTests.Name)]
public sealed class DeletionTests(Installation installation)
{
    private const string Children = "pods,services,configmaps,secrets";
    private const string Runs = "pretrainruns,alignruns,sftruns,evalruns,pipelines";

    [Fact]
    public async Task A_run_and_a_pipeline_take_everything_that_they_made_with_them()
    {
        var space = await installation.NamespaceAsync();
        await Kubectl.ApplyAsync(space, Installation.Example("pretrainrun", seed: 4));
        await Kubectl.ApplyAsync(space, Installation.Example("pipeline", seed: 5));
        var run = (string)(await Kubectl.ListAsync(space, "pretrainruns"))[0]!["metadata"]!["name"]!;
        await Kubectl.EventuallyAsync(async () => (await ChildrenAsync(space)) >= 4);
        await Kubectl.RunAsync("delete", "pipelines", "--all", "--namespace", space, "--timeout=60s");
        await Kubectl.RunAsync("delete", "pretrainrun", run, "--namespace", space, "--ignore-not-found", "--timeout=60s");
        await Kubectl.EventuallyAsync(async () => await ChildrenAsync(space) == 0 && (await Kubectl.ListAsync(space, Runs)).Count == 0, Kubectl.PodsGoneSeconds);
        await Kubectl.DeleteNamespaceAsync(space);
    }

    [Fact]
    public async Task A_namespace_goes_with_everything_that_runs_in_it()
    {
        var space = await installation.NamespaceAsync();
        await Kubectl.ApplyAsync(space, Installation.Example("pretrainrun", seed: 6));
        await Kubectl.EventuallyAsync(async () => await ChildrenAsync(space) >= 4);
        await Kubectl.DeleteNamespaceAsync(space);
        Assert.NotEqual(0, (await Kubectl.TryAsync("get", "namespace", space)).ExitCode);
    }

    [Fact]
    public async Task The_chart_goes_and_leaves_runs_that_can_be_deleted_without_an_operator()
    {
        var space = await installation.NamespaceAsync();
        await Kubectl.ApplyAsync(space, Installation.Example("pretrainrun", seed: 7));
        var run = (string)(await Kubectl.ListAsync(space, "pretrainruns")).Single()!["metadata"]!["name"]!;
        await Kubectl.EventuallyAsync(async () => await ChildrenAsync(space) >= 4);
        await installation.UninstallAsync();
        try
        {
            await Kubectl.EventuallyAsync(async () => "" == (await Kubectl.RunAsync(
                "get", "deployments,pods,services,serviceaccounts,configmaps,leases,roles,rolebindings,networkpolicies,poddisruptionbudgets",
                "--namespace", Installation.OperatorNamespace, "--selector", $"app.kubernetes.io/instance={Installation.Release}", "--output", "name")).Trim(), Kubectl.PodsGoneSeconds);
            var wide = await Kubectl.RunAsync(
                "get", "clusterroles,clusterrolebindings", "--selector", $"app.kubernetes.io/instance={Installation.Release}", "--output", "name");
            Assert.Equal("", wide.Trim());

            await Kubectl.RunAsync("delete", "pretrainrun", run, "--namespace", space, "--timeout=60s");
            await Kubectl.EventuallyAsync(async () => await ChildrenAsync(space) == 0, Kubectl.PodsGoneSeconds);
        }
        finally
        {
            await installation.InstallAsync();
        }

        await Kubectl.DeleteNamespaceAsync(space);
    }

    private static async Task<int> ChildrenAsync(string space) => (await Kubectl.ListAsync(space, Children))
        .Count(item => (string?)item!["metadata"]!["labels"]?["app.kubernetes.io/managed-by"] == "visualpriors");
}
