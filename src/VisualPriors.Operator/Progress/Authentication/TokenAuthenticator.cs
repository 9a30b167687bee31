using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>Remembers for a while what was found out about a token, by its hash: a thousand pods report every other second.</summary>
internal sealed class TokenAuthenticator(ITokenVerifier verifier, TimeProvider time)
{
    /// <summary>Longest token looked at; the API server's own are about 1 kB.</summary>
    internal const int MaximumTokenLength = 16 << 10;

    /// <summary>Answers remembered at most: above that all are forgotten, which costs a verification each.</summary>
    private const int MaximumRemembered = 50_000;

    private static readonly TimeSpan RememberedGood = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RememberedBad = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, (DateTimeOffset Until, PodIdentity? Pod)> _known = new(StringComparer.Ordinal);

    /// <summary>The pod that a token was issued to; null where the token is not valid for us, or no pod's.</summary>
    /// <exception cref="VerifierUnavailableException">Nobody could tell.</exception>
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

        var pod = await verifier.VerifyAsync(token, cancellationToken).ConfigureAwait(false);
        _known[hash] = (now + (pod is null ? RememberedBad : RememberedGood), pod);
        return pod;
    }
}
