using System.Net;
using System.Net.Http.Headers;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Operator.Tests.Control;

/// <summary>Tokens that a real API server issues, checked by the keys that it publishes.</summary>
[Collection(ControlPlaneTests.Name)]
public sealed class PublishedKeysTests(ControlPlane plane)
{
    private const string OwnAudience = "https://kubernetes.default.svc";

    [Fact]
    public async Task Without_any_role_the_operator_tells_whose_a_token_is()
    {
        var space = await plane.NamespaceAsync();
        using var connection = await NobodyAsync(space);
        var refused = await Assert.ThrowsAsync<VerifierUnavailableException>(() => new TokenReviewVerifier(connection).VerifyAsync("x.y.z", default));
        Assert.Equal(HttpStatusCode.Forbidden, Assert.IsType<HttpOperationException>(refused.InnerException).Response.StatusCode);

        var verifier = Verifier(connection);
        var pod = await plane.Client.CoreV1.CreateNamespacedPodAsync(
            new V1Pod
            {
                Metadata = new V1ObjectMeta { Name = "p" },
                Spec = new V1PodSpec { ServiceAccountName = "default", Containers = [new V1Container { Name = "trainer", Image = "trainer:1" }] },
            },
            space);
        var token = await TokenAsync(space, pod, TrainerContract.ReportAudience);
        var identity = new PodIdentity(space, "p", pod.Metadata.Uid);
        Assert.Equal(identity, await verifier.VerifyAsync(token, default));

        // As the API server itself tells.
        using var administrator = new KubernetesConnection(plane.Client);
        Assert.Equal(identity, await new TokenReviewVerifier(administrator).VerifyAsync(token, default));

        Assert.Null(await verifier.VerifyAsync(await TokenAsync(space, pod, OwnAudience), default));
        Assert.Null(await verifier.VerifyAsync(await TokenAsync(space, pod, TrainerContract.ReportAudience, OwnAudience), default));
        Assert.Null(await verifier.VerifyAsync(await TokenAsync(space, null, TrainerContract.ReportAudience), default));
    }

    [Fact]
    public async Task Who_may_not_read_the_keys_cannot_tell()
    {
        using var connection = KubernetesConnection.Create(plane.Server.Configuration(token: "nobody-s"));
        var refused = await Assert.ThrowsAsync<VerifierUnavailableException>(() => Verifier(connection).VerifyAsync("e30.e30.e30", default));
        Assert.IsType<KubernetesApiException>(refused.InnerException);
    }

    [Fact]
    public async Task An_operator_that_uses_them_takes_reports_of_pods_that_are_there()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space, verification: TokenVerification.PublishedKeys);
        await plane.Server.ApplyYamlAsync(ChainTests.Pretrain, space);
        var pod = await plane.PodAsync(space, "pretrain-decoder-1-0");
        await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Attempt == 1);
        var token = await TokenAsync(space, pod, TrainerContract.ReportAudience);
        await ReportAsync(@operator, token, HttpStatusCode.Accepted);
        await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Progress?.Steps == "3/4");
        await ReportAsync(@operator, await TokenAsync(space, pod, OwnAudience), HttpStatusCode.Unauthorized);

        // Its token is as good as before by its signature and times.
        await plane.Client.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, space, gracePeriodSeconds: 0);
        await ReportAsync(@operator, token, HttpStatusCode.Forbidden);
    }

    /// <summary>A connection as a service account that no role was given to.</summary>
    private async Task<KubernetesConnection> NobodyAsync(string space) =>
        KubernetesConnection.Create(plane.Server.Configuration(token: await TokenAsync(space, null, OwnAudience)));

    private static PublishedKeysVerifier Verifier(KubernetesConnection connection) =>
        new(PublishedKeys.Of(connection, TimeProvider.System, NullLogger.Instance), TimeProvider.System);

    private async Task<string> TokenAsync(string space, V1Pod? pod, params string[] audiences)
    {
        var request = new Authenticationv1TokenRequest
        {
            Spec = new V1TokenRequestSpec
            {
                Audiences = audiences,
                BoundObjectRef = pod is null ? null : new V1BoundObjectReference { ApiVersion = "v1", Kind = "Pod", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid },
            },
        };
        return (await plane.Client.CoreV1.CreateNamespacedServiceAccountTokenAsync(request, "default", space)).Status.Token;
    }

    /// <summary>Reports until the answer is the one that is expected: the operator's caches follow a little later.</summary>
    private static async Task ReportAsync(RunningOperator @operator, string token, HttpStatusCode expected)
    {
        using var client = new HttpClient();
        await ControlPlane.EventuallyAsync(
            async () =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, @operator.Address + TrainerContract.ReportPath)
                {
                    Content = new StringContent("""{"phase":"training","step":3,"totalSteps":4}""", Encoding.UTF8, "application/json"),
                    Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
                };
                using var answer = await client.SendAsync(request);
                return answer.StatusCode == expected ? "" : null;
            },
            $"{expected}");
    }
}
