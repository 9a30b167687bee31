using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Chart.Tests;

/// <summary>What the operator's service account may do on a real API server is what docs/install.md says: all of it, and nothing else.</summary>
[Collection(Cluster.Collection)]
public sealed class RightsTests(Cluster cluster) : IAsyncLifetime
{
    private string _namespace = null!;
    private string _other = null!;

    private string Operator => $"system:serviceaccount:{_namespace}:visualpriors-operator";

    public async Task InitializeAsync()
    {
        _namespace = await cluster.Server.CreateNamespaceAsync("chart");
        _other = await cluster.Server.CreateNamespaceAsync("runs");
    }

    public Task DisposeAsync() => cluster.RemoveAsync(_namespace);

    [Theory]
    [InlineData("rbac.namespaced=false", "runs own cluster", "runs cluster")]
    [InlineData("rbac.namespaced=true", "runs own", "")]
    public async Task The_rights_are_those_of_the_table(string values, string own, string elsewhere)
    {
        await cluster.InstallAsync(_namespace, "--set", values);
        Assert.Equal(RightsTable.Of(own.Split(' ')), (await RightsAsync(_namespace)).Order(StringComparer.Ordinal));
        Assert.Equal(RightsTable.Of(elsewhere.Split(' ')), (await RightsAsync(_other)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task In_namespaced_mode_it_has_no_cluster_role_and_yet_what_it_checks_tokens_with()
    {
        await cluster.InstallAsync(_namespace, "--set", "rbac.namespaced=true");
        var bound = await cluster.KubectlAsync(
            "get", "clusterrolebindings", "--output", $$"""jsonpath={.items[?(@.subjects[0].namespace=="{{_namespace}}")].metadata.name}""");
        Assert.Equal("", bound);
        using var connection = KubernetesConnection.Create(cluster.Server.Configuration(token: await TokenAsync()));
        var issuer = await PublishedKeys.Of(connection, TimeProvider.System, NullLogger.Instance).CurrentAsync(default);
        Assert.Equal(("https://kubernetes.default.svc", 1), (issuer.Name, issuer.Keys.Count));
    }

    [Fact]
    public async Task The_operator_may_not_do_what_would_give_it_more()
    {
        await cluster.InstallAsync(_namespace);
        (string Verb, string Resource, string Subresource)[] refused =
        [
            ("get", "secrets", ""), ("list", "secrets", ""), ("watch", "secrets", ""), ("list", "configmaps", ""), ("get", "pods", "log"),
            ("create", "pods", "exec"), ("create", "serviceaccounts", "token"), ("escalate", "clusterroles", ""), ("impersonate", "users", ""),
            ("update", "leases/another", ""), ("create", "leases", ""),
        ];
        Assert.All(await Task.WhenAll(refused.Select(async one =>
        {
            var answer = await cluster.TryKubectlAsync(
                null, "auth", "can-i", one.Verb, one.Resource, $"--subresource={one.Subresource}", "--namespace", _namespace, $"--as={Operator}");
            return (one, Answer: answer.Output.Trim());
        })), one => Assert.Equal("no", one.Answer));
    }

    [Fact]
    public async Task Its_rights_suffice_to_lead_and_to_give_the_lead_back()
    {
        await cluster.InstallAsync(_namespace);
        using var connection = KubernetesConnection.Create(cluster.Server.Configuration(token: await TokenAsync()));
        var options = new LeaderElectionOptions { Namespace = _namespace, Name = "visualpriors-operator" };
        var elector = new LeaderElector(connection, options, NullLogger<LeaderElector>.Instance);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));

        var holder = "";
        await elector.RunAsync(async _ => holder = await HolderAsync(), limit.Token);
        Assert.Equal(options.Identity, holder);
        Assert.Equal("", await HolderAsync());
    }

    [Fact]
    public async Task It_makes_pods_that_block_the_deletion_of_their_run()
    {
        await cluster.InstallAsync(_namespace);
        var owner = await cluster.KubectlWithInputAsync(
            """
            apiVersion: visualpriors.dev/v1alpha1
            kind: PretrainRun
            metadata: {name: owner}
            spec: {model: {preset: nano}, data: {corpus: corpus, mixture: {math: 1}}, training: {tokens: 1000000}}
            """,
            "create", "--namespace", _other, "--filename=-", "--output=jsonpath={.metadata.uid}");
        var pod = $$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: rank
              ownerReferences:
                - {apiVersion: visualpriors.dev/v1alpha1, kind: PretrainRun, name: owner, uid: {{owner}}, controller: true, blockOwnerDeletion: true}
            spec: {containers: [{name: trainer, image: trainer}]}
            """;
        await cluster.KubectlWithInputAsync(pod, "create", "--namespace", _other, "--filename=-", $"--as={Operator}");

        // The admission that this right is for is at work: who may make pods but lacks the right is refused.
        await cluster.KubectlAsync("create", "role", "pods", "--namespace", _other, "--verb=create", "--resource=pods");
        await cluster.KubectlAsync("create", "rolebinding", "pods", "--namespace", _other, "--role=pods", "--user=somebody");
        var refused = await cluster.TryKubectlAsync(
            pod.Replace("name: rank", "name: another", StringComparison.Ordinal), "create", "--namespace", _other, "--filename=-", "--as=somebody");
        Assert.Contains("cannot set blockOwnerDeletion", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>A token of the operator's, as its pod has one.</summary>
    private async Task<string> TokenAsync()
    {
        var request = new Authenticationv1TokenRequest { Spec = new V1TokenRequestSpec { Audiences = ["https://kubernetes.default.svc"] } };
        return (await cluster.Server.Client.CoreV1.CreateNamespacedServiceAccountTokenAsync(request, "visualpriors-operator", _namespace)).Status.Token;
    }

    private Task<string> HolderAsync() =>
        cluster.KubectlAsync("get", "lease", "visualpriors-operator", "--namespace", _namespace, "--output=jsonpath={.spec.holderIdentity}");

    /// <summary>What it may do beyond what every service account may.</summary>
    private async Task<IReadOnlySet<string>> RightsAsync(string @namespace) =>
        (await cluster.RightsAsync(Operator, @namespace)).Except(await cluster.RightsAsync($"system:serviceaccount:{_namespace}:nobody", @namespace)).ToHashSet();
}
