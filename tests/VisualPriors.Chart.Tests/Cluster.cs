using System.Text.Json;
using VisualPriors.ChartTesting;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>A real API server that the chart is installed on. Definitions belong to the whole of it, so its tests run one after another.</summary>
public sealed class Cluster : IAsyncLifetime
{
    /// <summary>Name of the collection of tests that share it.</summary>
    public const string Collection = "cluster";

    /// <summary>The Prometheus operator's kinds: monitors are made, nobody reads them.</summary>
    private const string MonitorDefinitions = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: servicemonitors.monitoring.coreos.com}
        spec:
          group: monitoring.coreos.com
          scope: Namespaced
          names: {kind: ServiceMonitor, plural: servicemonitors}
          versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
        ---
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: podmonitors.monitoring.coreos.com}
        spec:
          group: monitoring.coreos.com
          scope: Namespaced
          names: {kind: PodMonitor, plural: podmonitors}
          versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
        """;

    /// <summary>The server.</summary>
    internal TestApiServer Server { get; private set; } = null!;

    /// <summary>Helm for it.</summary>
    internal Helm Helm { get; private set; } = null!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        // So that the right to /finalizers is wanted.
        Server = await TestApiServer.StartAsync(new TestApiServerOptions { Arguments = ["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"] });
        Helm = new Helm(Server.KubeConfigPath);
        await Server.ApplyYamlAsync(MonitorDefinitions);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        Helm?.Dispose();
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }
    }

    /// <summary>Installs the chart as <c>visualpriors</c>, with an address and further options of helm.</summary>
    internal Task<string> InstallAsync(string @namespace, params string[] options) =>
        Helm.RunAsync(["install", "visualpriors", Repository.Chart, "--namespace", @namespace, "--set", Rendering.Address, .. options]);

    /// <summary>Removes it, and the definitions that it left.</summary>
    internal async Task RemoveAsync(string @namespace)
    {
        await Helm.TryAsync("uninstall", "visualpriors", "--namespace", @namespace);
        await KubectlAsync("delete", "crd", "--selector", "app.kubernetes.io/name=visualpriors", "--ignore-not-found");
    }

    /// <summary>Runs kubectl as the administrator, or as whom <c>--as</c> says.</summary>
    /// <returns>Its standard output.</returns>
    internal Task<string> KubectlAsync(params string[] arguments) => Command.RunAsync(KubernetesTools.Kubectl, Kubectl(arguments));

    /// <summary>Runs kubectl with an input.</summary>
    internal Task<string> KubectlWithInputAsync(string input, params string[] arguments) =>
        Command.RunAsync(KubernetesTools.Kubectl, Kubectl(arguments), input: input);

    /// <summary>Runs kubectl, whichever way it ends.</summary>
    internal Task<CommandResult> TryKubectlAsync(string? input, params string[] arguments) =>
        Command.TryAsync(KubernetesTools.Kubectl, Kubectl(arguments), input: input);

    /// <summary>Names of all objects of every kind that bear labels, as <c>kind/name</c>.</summary>
    internal async Task<IReadOnlyList<string>> ObjectsAsync(string selector)
    {
        var kinds = Lines(await KubectlAsync("api-resources", "--verbs=list", "--output=name", "--cached=false"));
        return Lines(await KubectlAsync("get", string.Join(',', kinds), "--all-namespaces", "--selector", selector, "--output=name", "--ignore-not-found"));
    }

    /// <summary>What somebody may do in a namespace: <c>resource.group verb</c> each.</summary>
    internal async Task<IReadOnlySet<string>> RightsAsync(string user, string @namespace)
    {
        var review = $$"""{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "{{@namespace}}"} }""";
        using var answer = JsonDocument.Parse(await KubectlWithInputAsync(
            review, "create", "--raw", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "--filename=-", $"--as={user}"));
        return (from rule in answer.RootElement.GetProperty("status").GetProperty("resourceRules").EnumerateArray()
                from verb in rule.GetProperty("verbs").EnumerateArray()
                from @group in rule.GetProperty("apiGroups").EnumerateArray()
                from resource in rule.GetProperty("resources").EnumerateArray()
                select $"{Qualified(resource.GetString()!, @group.GetString()!)} {verb.GetString()}").ToHashSet();
    }

    private static string Qualified(string resource, string @group)
    {
        var parts = resource.Split('/', 2);
        return (@group.Length == 0 ? parts[0] : $"{parts[0]}.{@group}") + (parts.Length == 2 ? $"/{parts[1]}" : "");
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string[] Kubectl(string[] arguments) => ["--kubeconfig", Server.KubeConfigPath, .. arguments];
}

/// <summary>Tests that install on one API server.</summary>
[CollectionDefinition(Cluster.Collection)]
public sealed class ClusterGroup : ICollectionFixture<Cluster>;
