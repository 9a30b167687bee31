namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>Whether a token is valid cannot be told now: what it would be checked with is out of reach.</summary>
/// <param name="message">What is out of reach.</param>
/// <param name="cause">Why.</param>
internal sealed class VerifierUnavailableException(string message, Exception cause) : Exception(message, cause);
