using Microsoft.IdentityModel.JsonWebTokens;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>Checks tokens by the keys that the API server publishes: wants no right that a service account does not have anyway.</summary>
/// <remarks>
/// Unlike TokenReview this does not know whether the token's pod is still there. Nothing is lost by that: <see cref="ReportAdmission"/> looks
/// the pod up by its uid in the cache of pods, and takes no report of one that is gone.
/// </remarks>
internal sealed class PublishedKeysVerifier(PublishedKeys keys, TimeProvider time) : ITokenVerifier
{
    /// <inheritdoc/>
    public async Task<PodIdentity?> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        if (PodToken.Read(token) is not { } read)
        {
            return null;
        }

        var issuer = await keys.CurrentAsync(cancellationToken).ConfigureAwait(false);
        if (!Knows(issuer, read))
        {
            issuer = await keys.RenewedAsync(cancellationToken).ConfigureAwait(false);
        }

        return await PodToken.IdentityAsync(read, issuer, time.GetUtcNow()).ConfigureAwait(false);
    }

    /// <summary>Keys are rotated, and an issuer may be renamed with its keys kept.</summary>
    private static bool Knows(TokenIssuer issuer, JsonWebToken token) => issuer.Keys.ContainsKey(token.Kid ?? "") && issuer.Name == token.Issuer;
}
