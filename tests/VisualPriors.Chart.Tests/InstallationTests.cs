using System.Text.Json.Nodes;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>The real helm installs, upgrades and uninstalls on a real API server. Nothing starts pods there: whether they run is asked elsewhere.</summary>
[Collection(Cluster.Collection)]
public sealed class InstallationTests(Cluster cluster) : IAsyncLifetime
{
    private const string OfRelease = "app.kubernetes.io/instance=visualpriors";

    private string _namespace = null!;

    public async Task InitializeAsync() => _namespace = await cluster.Server.CreateNamespaceAsync("chart");

    public Task DisposeAsync() => cluster.RemoveAsync(_namespace);

    [Theory]
    [InlineData("defaults")]
    [InlineData("namespaced")]
    [InlineData("high-availability")]
    [InlineData("workload-identity")]
    public async Task The_server_takes_all_of_it_and_after_uninstallation_nothing_is_left(string values)
    {
        // The policy for pods of another namespace wants that namespace.
        await cluster.TryKubectlAsync(null, "create", "namespace", "experiments");
        string[] options = ["--values", Path.Combine(Repository.Tests("VisualPriors.Chart.Tests"), "golden", $"{values}.values.yaml"), "--set", "crds.keep=false"];
        // Its own namespace has another name in the golden file.
        options = values == "high-availability" ? [.. options, "--set", $"networkPolicy.trainerNamespaces={{{_namespace},experiments}}"] : options;
        var notes = await cluster.InstallAsync(_namespace, options);
        Assert.Contains($"helm test visualpriors --namespace {_namespace}", notes, StringComparison.Ordinal);
        var manifest = await cluster.Helm.RunAsync("get", "manifest", "visualpriors", "--namespace", _namespace);
        // Fields that the server would drop silently are errors to kubectl.
        await cluster.KubectlWithInputAsync(manifest, "apply", "--dry-run=server", "--validate=strict", "--filename=-");
        var expected = Rendering.Parse(manifest).Count;
        Assert.Equal(expected, (await cluster.ObjectsAsync(OfRelease)).Count);

        await cluster.Helm.RunAsync("uninstall", "visualpriors", "--namespace", _namespace);
        Assert.Empty(await cluster.ObjectsAsync(OfRelease));
        Assert.Empty(await cluster.ObjectsAsync("owner=helm"));
    }

    [Fact]
    public async Task An_upgrade_changes_what_changed_and_a_rollback_takes_it_back()
    {
        await cluster.InstallAsync(_namespace, "--set", "replicas=2,crds.install=false");
        var before = await SettingsAsync();
        Assert.Contains(await cluster.ObjectsAsync(OfRelease), one => one.StartsWith("poddisruptionbudget", StringComparison.Ordinal));

        await cluster.Helm.RunAsync(
            "upgrade", "visualpriors", Repository.Chart, "--namespace", _namespace, "--set", Rendering.Address, "--set", "crds.install=false,workers=9");
        Assert.Contains("\"workers\": 9", await SettingsAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(await cluster.ObjectsAsync(OfRelease), one => one.StartsWith("poddisruptionbudget", StringComparison.Ordinal));

        await cluster.Helm.RunAsync("rollback", "visualpriors", "1", "--namespace", _namespace);
        Assert.Equal(before, await SettingsAsync());
        Assert.Contains(await cluster.ObjectsAsync(OfRelease), one => one.StartsWith("poddisruptionbudget", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_operator_takes_the_lease_that_the_chart_makes_and_an_upgrade_leaves_it_to_its_holder()
    {
        await cluster.InstallAsync(_namespace, "--set", "crds.install=false");
        var user = $"--as=system:serviceaccount:{_namespace}:visualpriors-operator";
        var lease = JsonNode.Parse(await cluster.KubectlAsync("get", "lease", "visualpriors-operator", "--namespace", _namespace, "--output=json", user))!;
        lease["spec"] = new JsonObject { ["holderIdentity"] = "me" };
        await cluster.KubectlWithInputAsync(lease.ToJsonString(), "replace", "--filename=-", user);
        await cluster.Helm.RunAsync(
            "upgrade", "visualpriors", Repository.Chart, "--namespace", _namespace, "--set", Rendering.Address, "--set", "crds.install=false,workers=9");
        Assert.Equal(
            "me",
            await cluster.KubectlAsync("get", "lease", "visualpriors-operator", "--namespace", _namespace, "--output=jsonpath={.spec.holderIdentity}"));
    }

    [Fact]
    public async Task Kept_definitions_outlive_the_release_with_their_runs_and_the_next_release_takes_them_over()
    {
        await cluster.InstallAsync(_namespace);
        await cluster.KubectlWithInputAsync(Run, "create", "--namespace", _namespace, "--filename=-");
        await cluster.Helm.RunAsync("uninstall", "visualpriors", "--namespace", _namespace);
        Assert.All(await cluster.ObjectsAsync(OfRelease), one => Assert.StartsWith("customresourcedefinition", one, StringComparison.Ordinal));
        Assert.Contains("quickstart", await cluster.KubectlAsync("get", "pretrainruns", "--namespace", _namespace, "--output=name"), StringComparison.Ordinal);

        await cluster.InstallAsync(_namespace, "--set", "crds.keep=false");
        Assert.Contains("quickstart", await cluster.KubectlAsync("get", "pretrainruns", "--namespace", _namespace, "--output=name"), StringComparison.Ordinal);
        await cluster.Helm.RunAsync("uninstall", "visualpriors", "--namespace", _namespace);
        Assert.Empty(await cluster.ObjectsAsync(OfRelease));
    }

    [Fact]
    public async Task Whoever_may_do_everything_in_one_namespace_and_nothing_elsewhere_can_install_the_namespaced_mode()
    {
        await cluster.KubectlAsync("create", "role", "everything", "--namespace", _namespace, "--verb=*", "--resource=*.*");
        await cluster.KubectlAsync("create", "rolebinding", "everything", "--namespace", _namespace, "--role=everything", "--user=researcher");
        await cluster.InstallAsync(_namespace, "--set", "rbac.namespaced=true,crds.install=false", "--kube-as-user", "researcher");
        var refused = await cluster.Helm.TryAsync(
            "upgrade", "visualpriors", Repository.Chart, "--namespace", _namespace, "--set", Rendering.Address,
            "--set", "rbac.namespaced=false,crds.install=false", "--kube-as-user", "researcher");
        Assert.Contains("cannot get resource \"clusterroles\"", refused.Error, StringComparison.Ordinal);
    }

    private const string Run = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata: {name: quickstart}
        spec: {model: {preset: nano}, data: {corpus: corpus, mixture: {math: 1}}, training: {tokens: 1000000}}
        """;

    private Task<string> SettingsAsync() =>
        cluster.KubectlAsync("get", "configmap", "visualpriors-operator", "--namespace", _namespace, @"--output=jsonpath={.data.settings\.json}");
}
