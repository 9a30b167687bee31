using System.Net;
using System.Net.Http.Headers;
using System.Text;
using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

/// <summary>What the operator and a trainer's pod may do, and no more.</summary>
[Collection(ClusterTests.Name)]
public sealed class PermissionTests(Installation installation)
{
    private const string Report = """{"phase":"training","step":7,"totalSteps":9}""";

    [Fact]
    public async Task Helm_s_own_test_of_the_release_passes()
    {
        Assert.Contains("Succeeded", await installation.HelmTestAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_operator_can_neither_read_secrets_nor_enter_pods()
    {
        foreach (var (verb, resource) in new[]
        {
            ("get", "secrets"), ("list", "secrets"), ("watch", "secrets"), ("patch", "pods"), ("get", "nodes"), ("create", "clusterrolebindings"), ("delete", "namespaces"),
        })
        {
            var answer = await Kubectl.TryAsync(
                "auth", "can-i", verb, resource, "--all-namespaces", "--as", $"system:serviceaccount:{Installation.OperatorNamespace}:visualpriors-operator");
            Assert.Equal("no", answer.Output.Trim());
        }

        var enter = await Kubectl.TryAsync(
            "auth", "can-i", "create", "pods", "--subresource=exec", "--all-namespaces", "--as", $"system:serviceaccount:{Installation.OperatorNamespace}:visualpriors-operator");
        Assert.Equal("no", enter.Output.Trim());
    }

    [Fact]
    public async Task A_pod_s_token_reports_for_its_own_run_and_opens_nothing_else()
    {
        var space = await installation.NamespaceAsync();
        await Kubectl.ApplyAsync(space, Installation.Example("pretrainrun", seed: 8));
        var run = (string)(await Kubectl.ListAsync(space, "pretrainruns")).Single()!["metadata"]!["name"]!;
        await Kubectl.WaitForPhaseAsync(space, "pretrainrun", run, "Running");
        var pod = (string)(await Kubectl.ListAsync(space, "pods")).Single()!["metadata"]!["name"]!;
        var mounted = await Kubectl.RunAsync("exec", pod, "--namespace", space, "--", "sh", "-c", "ls /var/run/secrets; cat /var/run/secrets/visualpriors/report/token");
        Assert.DoesNotContain("kubernetes.io", mounted.Split('\n')[0], StringComparison.Ordinal);
        var token = mounted.Split('\n')[^1];
        Assert.Equal(2, token.Count(character => character == '.'));

        var server = Installation.Server();
        using var client = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator });
        foreach (var path in new[] { $"/api/v1/namespaces/{space}/pods", $"/api/v1/namespaces/{space}/secrets", $"/apis/visualpriors.dev/v1alpha1/namespaces/{space}/pretrainruns" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, server + path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
            using var answer = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        var address = await OperatorAddressAsync();
        Assert.Contains(await PostAsync(client, address, token), new[] { HttpStatusCode.Accepted, HttpStatusCode.TooManyRequests });

        // Another pod of the same namespace and service account, with a token for the same audience: it belongs to no run.
        await Kubectl.ApplyAsync(space, Stranger(await TrainerImageAsync(space, pod)));
        await Kubectl.RunAsync("wait", "pod/stranger", "--namespace", space, "--for=condition=Ready", "--timeout=60s");
        var other = await Kubectl.RunAsync("exec", "stranger", "--namespace", space, "--", "cat", "/var/run/secrets/visualpriors/report/token");
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(client, address, other));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(client, address, "x.y.z"));
        await Kubectl.DeleteNamespaceAsync(space);
    }

    private static async Task<string> OperatorAddressAsync() =>
        $"http://{(string)(await Kubectl.ListAsync(Installation.OperatorNamespace, "pods")).First(pod => (string?)pod!["status"]!["phase"] == "Running" && (string?)pod["metadata"]!["labels"]?["app.kubernetes.io/component"] == "operator")!["status"]!["podIP"]!}:8080/v1/progress";

    private static async Task<string> TrainerImageAsync(string space, string pod) => (string)(await Kubectl.GetAsync(space, "pod", pod))["spec"]!["containers"]![0]!["image"]!;

    private static async Task<HttpStatusCode> PostAsync(HttpClient client, string address, string token)
    {
        using var content = new StringContent(Report, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content, Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    /// <summary>A pod that calls itself a trainer's, as anybody with the right to make pods may.</summary>
    private static string Stranger(string image) => $$$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: stranger
          labels: {app.kubernetes.io/managed-by: visualpriors, app.kubernetes.io/component: trainer, visualpriors.dev/kind: PretrainRun, visualpriors.dev/run: decoder, visualpriors.dev/attempt: "1", visualpriors.dev/node-rank: "0"}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
            - {name: trainer, image: "{{{image}}}", command: [sleep, "300"], volumeMounts: [{name: token, mountPath: /var/run/secrets/visualpriors/report}]}
          volumes:
            - name: token
              projected: {sources: [{serviceAccountToken: {audience: visualpriors-operator, path: token}}]}
        """;
}
