namespace VisualPriors.Storage.Checkpoints;

/// <summary>What a checkpoint consists of. Written last: without one there is no checkpoint.</summary>
public sealed record CheckpointManifest
{
    /// <summary>Version of this format; a reader refuses any other.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Format version.</summary>
    public required int Version { get; init; }

    /// <summary>Digest of the stage whose state it is.</summary>
    public required string StageDigest { get; init; }

    /// <summary>The attempt that wrote it.</summary>
    public required long Attempt { get; init; }

    /// <summary>Where training stands.</summary>
    public required CheckpointPosition Position { get; init; }

    /// <summary>Its parts, by name: one for each rank that wrote, and what rank 0 adds.</summary>
    public required IReadOnlyList<CheckpointPart> Parts { get; init; }
}

/// <summary>Where training stands.</summary>
public sealed record CheckpointPosition
{
    /// <summary>Optimizer steps done (skipped updates counted).</summary>
    public required long Step { get; init; }

    /// <summary>The next global batch: equal to <see cref="Step"/> until a rollback leaves batches out.</summary>
    public required long Batch { get; init; }

    /// <summary>Tokens trained on.</summary>
    public required long Tokens { get; init; }

    /// <summary>Updates left out because a loss or gradient was not finite.</summary>
    public required long SkippedSteps { get; init; }

    /// <summary>Times that training went back after a loss spike.</summary>
    public required int Rollbacks { get; init; }
}

/// <summary>One part of a checkpoint: an object beside the manifest.</summary>
/// <param name="Name">Name within the checkpoint, such as <c>state-00003-of-00008.safetensors</c>.</param>
/// <param name="Bytes">Size.</param>
/// <param name="ChunkSha256">
/// Lower-case hexadecimal SHA-256 of every <see cref="ChunkBytes"/> bytes (the last chunk is what remains), so that a range can be read
/// and checked without reading the whole part.
/// </param>
public sealed record CheckpointPart(string Name, long Bytes, IReadOnlyList<string> ChunkSha256)
{
    /// <summary>Bytes that one hash covers.</summary>
    public const int ChunkBytes = 16 << 20;
}
