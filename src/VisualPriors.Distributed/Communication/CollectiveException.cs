namespace VisualPriors.Distributed.Communication;

/// <summary>
/// A collective operation cannot end: another rank is gone or hangs. This rank is rarely the cause, so its process ends with an exit code of
/// its own and the launcher looks for another.
/// </summary>
/// <param name="message">Operation, sequence number, step, the peer at fault where it is known, and where the flight record lies.</param>
/// <param name="cause">What was seen of it.</param>
public sealed class CollectiveException(string message, Exception? cause = null) : Exception(message, cause);
