namespace VisualPriors.Distributed.Communication;

/// <summary>
/// This process could not join its run: it was refused (it belongs to another attempt, another world size, its rank is taken), or the
/// others did not come in time.
/// </summary>
/// <param name="message">Where it tried to join, why it could not, and which ranks are missing where that is known.</param>
public sealed class RendezvousException(string message) : Exception(message);
