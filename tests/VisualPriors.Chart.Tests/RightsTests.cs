
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
    [InlineData("rbac.namespaced=true,rbac.tokenReview=true", "runs own cluster", "cluster")]
    public async Task The_rights_are_those_of_the_table(string values, string own, string elsewhere)
    {
        await cluster.InstallAsync(_namespace, "--set", values);
        Assert.Equal(RightsTable.Of(own.Split(' ')), (await RightsAsync(_namespace)).Order(StringComparer.Ordinal));
        Assert.Equal(RightsTable.Of(elsewhere.Split(' ')), (await RightsAsync(_other)).Order(StringComparer.Ordinal));
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

    /// <summary>What it may do beyond what every service account may.</summary>
    private async Task<IReadOnlySet<string>> RightsAsync(string @namespace) =>
        (await cluster.RightsAsync(Operator, @namespace)).Except(await cluster.RightsAsync($"system:serviceaccount:{_namespace}:nobody", @namespace)).ToHashSet();
}
