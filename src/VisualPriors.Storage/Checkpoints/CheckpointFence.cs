namespace VisualPriors.Storage.Checkpoints;

/// <summary>
/// Who may commit checkpoints of a stage, and which count. One small object, only ever replaced under the condition that it is still the one
/// that was read.
/// </summary>
/// <remarks>
/// A new attempt first puts its name there, so that nobody older commits any more, then lists what is whole, then writes that list. A
/// manifest of an older attempt that arrives after the listing (its writer looked at the fence before and was slow) is in no list and
/// never counts. Until its own list is written, a new attempt keeps its predecessor's, so that it may be killed at any moment.
/// </remarks>
internal sealed record CheckpointFence
{
    /// <summary>Version of this format; a reader refuses any other.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Name of its object.</summary>
    public const string ObjectName = "fence.json";

    /// <summary>Largest fence read.</summary>
    public const int MaximumBytes = 4 << 20;

    /// <summary>Format version.</summary>
    public required int Version { get; init; }

    /// <summary>Digest of the stage.</summary>
    public required string StageDigest { get; init; }

    /// <summary>The attempt that holds it.</summary>
    public required long Attempt { get; init; }

    /// <summary>Random name of the process that holds it: two processes may believe to be the same attempt.</summary>
    public required string Holder { get; init; }

    /// <summary>Attempt whose checkpoints counted before, until <see cref="Inherited"/> is complete and from then on null; null, too, for the first fence.</summary>
    public long? PreviousAttempt { get; init; }

    /// <summary>
    /// Folders of the checkpoints of earlier attempts that count. While <see cref="PreviousAttempt"/> is set: that attempt's list, which its own checkpoints join.
    /// </summary>
    public required IReadOnlyList<string> Inherited { get; init; }

    /// <summary>Whether a checkpoint counts, as far as this fence says.</summary>
    public bool Counts(CheckpointFolder folder) =>
        folder.Attempt == Attempt || folder.Attempt == PreviousAttempt || Inherited.Contains(folder.Name, StringComparer.Ordinal);
}
