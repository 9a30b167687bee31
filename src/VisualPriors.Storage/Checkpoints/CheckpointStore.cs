using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>
/// The checkpoints of one stage in an object store, as one attempt at the stage sees them. Every rank has one; rank 0's commits, retains
/// and holds the fence.
/// </summary>
public sealed class CheckpointStore
{
    /// <summary>Opens the store for an attempt whose fence is held (by rank 0).</summary>
    public CheckpointStore(IObjectStore store, string stageDigest, long attempt) => throw new NotSupportedException();

    /// <summary>
    /// Takes the fence: from here on only this attempt may commit, and only checkpoints that were whole by now (or are its own) count. Rank 0 alone.
    /// </summary>
    /// <param name="store">The stage's place.</param>
    /// <param name="stageDigest">Whose checkpoints they are.</param>
    /// <param name="attempt">Number of the attempt; null takes the one after the last.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The store, and the newest whole checkpoint, if there is one.</returns>
    /// <exception cref="FencedException">A later attempt (or another holder of this one) has the fence.</exception>
    /// <exception cref="Api.Errors.InvalidInputException">A manifest is of an unknown version, of another stage, or malformed: nothing is guessed.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public static Task<(CheckpointStore Store, CheckpointManifest? Latest)> AcquireAsync(
        IObjectStore store, string stageDigest, long? attempt, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>The attempt.</summary>
    public long Attempt => throw new NotSupportedException();

    /// <summary>Writes one part of a checkpoint, hashing on the way. Any rank.</summary>
    /// <param name="step">The checkpoint's step.</param>
    /// <param name="name">The part's name.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="StoreException">The store failed; the checkpoint will not exist.</exception>
    public Task<CheckpointPart> WritePartAsync(
        long step, string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Makes a checkpoint of parts that were written. Rank 0 alone.</summary>
    /// <exception cref="FencedException">A later attempt has the fence: this one must end.</exception>
    /// <exception cref="StoreException">The store failed; the checkpoint does not exist, or does and will be found.</exception>
    public Task CommitAsync(CheckpointPosition position, IReadOnlyList<CheckpointPart> parts, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>The newest whole checkpoint that counts. Rank 0 alone.</summary>
    public Task<CheckpointManifest?> FindLatestAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Reads the manifest of a checkpoint that rank 0 named. Any rank.</summary>
    public Task<CheckpointManifest> OpenAsync(long step, long attempt, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Deletes checkpoints that a policy does not keep, manifests first, and what interrupted writers and retentions left. Rank 0 alone.</summary>
    public Task RetainAsync(Api.Resources.CheckpointSpec policy, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Reads a range of a part; every byte given was checked against its chunk's hash. Any rank.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">The part is missing, truncated or not what its manifest says; part and chunk are named.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public Task ReadAsync(CheckpointManifest checkpoint, CheckpointPart part, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}

/// <summary>A later attempt at the same stage has taken over: this one must end without writing.</summary>
/// <param name="message">Whose the fence is.</param>
public sealed class FencedException(string message) : Exception(message);
