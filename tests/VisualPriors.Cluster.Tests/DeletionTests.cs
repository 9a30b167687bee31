using VisualPriors.Cluster.Tests.Infrastructure;
using ClusterUnderTest = VisualPriors.Cluster.Tests.Infrastructure.Cluster;

namespace VisualPriors.Cluster.Tests;

/// <summary>Whatever is deleted leaves nothing behind.</summary>
[Collection(ClusterTests.Name)]
public sealed class DeletionTests(ClusterUnderTest cluster)
{
    private const string Children = "pods,services,configmaps,secrets";
    private const string Runs = "pretrainruns,alignruns,sftruns,evalruns,pipelines";

    [Fact]
    public async Task A_run_and_a_pipeline_take_everything_that_they_made_with_them()
    {
        var space = await cluster.NamespaceAsync();
        await cluster.ApplyAsync(space, ClusterUnderTest.Example("pretrainrun", seed: 4));
        await cluster.ApplyAsync(space, ClusterUnderTest.Example("pipeline", seed: 5));
        var run = (string)(await cluster.ListAsync(space, "pretrainruns"))[0]!["metadata"]!["name"]!;
        await ClusterUnderTest.EventuallyAsync(async () => (await ChildrenAsync(space)) >= 4);
        await cluster.KubectlAsync("delete", "pipelines", "--all", "--namespace", space, "--timeout=60s");
        await cluster.KubectlAsync("delete", "pretrainrun", run, "--namespace", space, "--ignore-not-found", "--timeout=60s");
        await ClusterUnderTest.EventuallyAsync(async () => await ChildrenAsync(space) == 0 && (await cluster.ListAsync(space, Runs)).Count == 0);
        await cluster.DeleteNamespaceAsync(space);
    }

    [Fact]
    public async Task A_namespace_goes_with_everything_that_runs_in_it()
    {
        var space = await cluster.NamespaceAsync();
        await cluster.ApplyAsync(space, ClusterUnderTest.Example("pretrainrun", seed: 6));
        await ClusterUnderTest.EventuallyAsync(async () => await ChildrenAsync(space) >= 4);
        await cluster.DeleteNamespaceAsync(space);
        Assert.NotEqual(0, (await cluster.TryKubectlAsync("get", "namespace", space)).ExitCode);
    }

    [Fact]
    public async Task The_chart_goes_and_leaves_runs_that_can_be_deleted_without_an_operator()
    {
        var space = await cluster.NamespaceAsync();
        await cluster.ApplyAsync(space, ClusterUnderTest.Example("pretrainrun", seed: 7));
        var run = (string)(await cluster.ListAsync(space, "pretrainruns")).Single()!["metadata"]!["name"]!;
        await ClusterUnderTest.EventuallyAsync(async () => await ChildrenAsync(space) >= 4);
        await cluster.UninstallAsync();
        try
        {
            var left = await cluster.KubectlAsync(
                "get", "deployments,pods,services,serviceaccounts,configmaps,roles,rolebindings,networkpolicies,poddisruptionbudgets",
                "--namespace", ClusterUnderTest.OperatorNamespace, "--selector", $"app.kubernetes.io/instance={ClusterUnderTest.Release}", "--output", "name");
            Assert.Equal("", left.Trim());
            var wide = await cluster.KubectlAsync(
                "get", "clusterroles,clusterrolebindings", "--selector", $"app.kubernetes.io/instance={ClusterUnderTest.Release}", "--output", "name");
            Assert.Equal("", wide.Trim());

            await cluster.KubectlAsync("delete", "pretrainrun", run, "--namespace", space, "--timeout=60s");
            await ClusterUnderTest.EventuallyAsync(async () => await ChildrenAsync(space) == 0);
        }
        finally
        {
            await cluster.InstallAsync();
        }

        await cluster.DeleteNamespaceAsync(space);
    }

    private async Task<int> ChildrenAsync(string space) => (await cluster.ListAsync(space, Children))
        .Count(item => (string?)item!["metadata"]!["labels"]?["app.kubernetes.io/managed-by"] == "visualpriors");
}
