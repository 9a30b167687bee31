namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>
/// Tells which pod a token was issued to, for our audience alone: a pod's ordinary token means nothing here, and this one nothing elsewhere.
/// </summary>
internal interface ITokenVerifier
{
    /// <summary>The pod that a token was issued to; null where the token is not valid for us, or no pod's.</summary>
    /// <exception cref="VerifierUnavailableException">Nobody could tell.</exception>
    public Task<PodIdentity?> VerifyAsync(string token, CancellationToken cancellationToken);
}
