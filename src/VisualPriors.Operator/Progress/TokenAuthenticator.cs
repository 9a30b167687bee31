using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using k8s;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Progress;

/// <summary>
/// Asks the API server whose a token is (TokenReview), for our audience alone: a pod's ordinary token means nothing here, and this one nothing
/// elsewhere. Answers are remembered for a while, by the token's hash: a thousand pods report every other second.
/// </summary>
internal sealed class TokenAuthenticator(KubernetesConnection connection, TimeProvider time)
{
    private const string PodName = "authentication.kubernetes.io/pod-name";
    private const string PodUid = "authentication.kubernetes.io/pod-uid";
    private const string ServiceAccountPrefix = "system:serviceaccount:";

    /// <summary>Longest token looked at; the API server's own are about 1 kB.</summary>
    private const int MaximumTokenLength = 16 << 10;

    /// <summary>Answers remembered at most: above that all are forgotten, which costs a round trip each.</summary>
    private const int MaximumRemembered = 50_000;

    private static readonly TimeSpan RememberedGood = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RememberedBad = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, (DateTimeOffset Until, PodIdentity? Pod)> _known = new(StringComparer.Ordinal);

    /// <summary>The pod that a token was issued to; null where the token is not valid for us, or no pod's.</summary>
    /// <exception cref="k8s.Autorest.HttpOperationException">The API server refused to say.</exception>
    public async Task<PodIdentity?> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length is 0 or > MaximumTokenLength)
        {
            return null;
        }

        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var now = time.GetUtcNow();
        if (_known.TryGetValue(hash, out var known) && known.Until > now)
        {
            return known.Pod;
        }

        if (_known.Count >= MaximumRemembered)
        {
            _known.Clear();
        }

        var pod = await ReviewAsync(token, cancellationToken).ConfigureAwait(false);
        _known[hash] = (now + (pod is null ? RememberedBad : RememberedGood), pod);
        return pod;
    }

    private async Task<PodIdentity?> ReviewAsync(string token, CancellationToken cancellationToken)
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
