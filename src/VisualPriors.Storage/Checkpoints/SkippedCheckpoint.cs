namespace VisualPriors.Storage.Checkpoints;

/// <summary>A checkpoint that was committed and is whole no more, so that an older one is used. Whoever uses that one must say so loudly.</summary>
/// <param name="Step">Its step.</param>
/// <param name="Attempt">The attempt that wrote it.</param>
/// <param name="Reason">What it lacks: address, part, and what was found.</param>
public sealed record SkippedCheckpoint(long Step, long Attempt, string Reason);
