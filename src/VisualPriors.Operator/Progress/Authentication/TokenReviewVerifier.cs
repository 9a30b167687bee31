using k8s;
using k8s.Autorest;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>Asks the API server whose a token is (TokenReview).</summary>
internal sealed class TokenReviewVerifier(KubernetesConnection connection) : ITokenVerifier
{
    private const string PodName = "authentication.kubernetes.io/pod-name";
    private const string PodUid = "authentication.kubernetes.io/pod-uid";
    private const string ServiceAccountPrefix = "system:serviceaccount:";

    /// <inheritdoc/>
    public async Task<PodIdentity?> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        try
        {
            var review = await connection.Client.AuthenticationV1.CreateTokenReviewAsync(
                new V1TokenReview
                {
                    ApiVersion = "authentication.k8s.io/v1",
                    Kind = "TokenReview",
                    Spec = new V1TokenReviewSpec { Token = token, Audiences = [TrainerContract.ReportAudience] },
                },
                cancellationToken: cancellationToken).ConfigureAwait(false);
            return PodOf(review.Status);
        }
        catch (Exception e) when (e is HttpOperationException or HttpRequestException)
        {
            throw new VerifierUnavailableException("The API server did not review a token.", e);
        }
    }

    /// <summary>The pod that a review tells of; null where it tells of none.</summary>
    internal static PodIdentity? PodOf(V1TokenReviewStatus? status)
    {
        // A server that does not know audiences would leave them out, and its yes would mean any token.
        if (status is not { Authenticated: true, User: { Username: { } user, Extra: { } extra } }
            || status.Audiences?.Contains(TrainerContract.ReportAudience) != true
            || !user.StartsWith(ServiceAccountPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        return Single(extra, PodName) is { } name && Single(extra, PodUid) is { } uid
            ? new PodIdentity(user[ServiceAccountPrefix.Length..].Split(':')[0], name, uid)
            : null;
    }

    private static string? Single(IDictionary<string, IList<string>> extra, string key) =>
        extra.TryGetValue(key, out var values) && values.Count == 1 ? values[0] : null;
}
