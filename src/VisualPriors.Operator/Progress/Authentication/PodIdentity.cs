namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>The pod that a token was issued to.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid.</param>
internal sealed record PodIdentity(string Namespace, string Name, string Uid);
