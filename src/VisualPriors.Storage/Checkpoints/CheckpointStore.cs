using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>
/// The checkpoints of one stage in an object store, as one attempt at the stage sees them. Every rank has one; rank 0's commits, retains
/// and holds the fence.
/// </summary>
public sealed class CheckpointStore
{
    /// <summary>Chunks that one reading call holds at a time.</summary>
    private const int ChunksInFlight = 4;

    /// <summary>Cores that hashing takes: the loop goes on training meanwhile.</summary>
    private const int HashingThreads = 2;

    private const int DeletesInFlight = 8;

    private readonly IObjectStore _store;
    private readonly string _stageDigest;

    /// <summary>Who we are in the fence; null where another process (rank 0) holds it for us.</summary>
    private readonly string? _holder;

    /// <summary>Opens the store for an attempt whose fence is held (by rank 0).</summary>
    public CheckpointStore(IObjectStore store, string stageDigest, long attempt)
        : this(store, stageDigest, attempt, holder: null)
    {
    }

    private CheckpointStore(IObjectStore store, string stageDigest, long attempt, string? holder)
    {
        _store = store;
        _stageDigest = stageDigest;
        _holder = holder;
        Attempt = attempt;
    }

    /// <summary>The attempt.</summary>
    public long Attempt { get; }

    /// <summary>Checkpoints newer than the one last found, by acquiring or finding, that were passed over because a part is missing or truncated. Say so loudly.</summary>
    public IReadOnlyList<SkippedCheckpoint> Skipped { get; private set; } = [];

    /// <summary>
    /// Takes the fence: from here on only this attempt may commit, and only checkpoints that were whole by now (or are its own) count. Rank 0 alone.
    /// </summary>
    /// <param name="store">The stage's place.</param>
    /// <param name="stageDigest">Whose checkpoints they are.</param>
    /// <param name="attempt">Number of the attempt; null takes the one after the last.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The store, and the newest whole checkpoint, if there is one; <see cref="Skipped"/> has what was passed over for it.</returns>
    /// <exception cref="FencedException">A later attempt (or another holder of this one) has the fence.</exception>
    /// <exception cref="InvalidInputException">A manifest is of an unknown version, of another stage, or malformed: nothing is guessed.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public static async Task<(CheckpointStore Store, CheckpointManifest? Latest)> AcquireAsync(
        IObjectStore store, string stageDigest, long? attempt, CancellationToken cancellationToken)
    {
        if (attempt is < 0)
        {
            throw new InvalidInputException(store.Address, "attempt", $"{attempt}", "at least 0");
        }

        var before = await ReadFenceAsync(store, stageDigest, cancellationToken).ConfigureAwait(false);
        var (provisional, version) = before is var (fence, fenceVersion)
            ? await TakeOverAsync(store, fence, fenceVersion, attempt, cancellationToken).ConfigureAwait(false)
            : await TakeFirstAsync(store, stageDigest, attempt, cancellationToken).ConfigureAwait(false);

        var listings = await CheckpointListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        var inherited = listings.Where(listing => listing.HasManifest && listing.Folder.Attempt < provisional.Attempt && provisional.Counts(listing.Folder));
        var final = provisional with { PreviousAttempt = null, Inherited = [.. inherited.Select(listing => listing.Folder.Name)] };
        if (await store.TryReplaceAsync(CheckpointFence.ObjectName, CheckpointJson.Write(final), version, cancellationToken).ConfigureAwait(false) is null)
        {
            throw await FencedAsync(store, stageDigest, final.Attempt, cancellationToken).ConfigureAwait(false);
        }

        var taken = new CheckpointStore(store, stageDigest, final.Attempt, final.Holder);
        return (taken, await taken.FindLatestAsync(listings, final, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Writes one part of a checkpoint, hashing on the way. Any rank.</summary>
    /// <param name="step">The checkpoint's step.</param>
    /// <param name="name">The part's name.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="StoreException">The store failed; the checkpoint will not exist.</exception>
    public async Task<CheckpointPart> WritePartAsync(
        long step, string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        if (!CheckpointFolder.IsPartName(name))
        {
            throw new ArgumentException($"'{name}' is no part's name", nameof(name));
        }

        var segments = new ContentSegments(content);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hashing = Task.Run(() => HashChunks(segments, stop.Token), stop.Token);
        try
        {
            await _store.WriteAsync(new CheckpointFolder(step, Attempt).ObjectOf(name), content, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // The caller may free the content as soon as we are gone: hashing must be over by then.
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)hashing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return new CheckpointPart(name, segments.Length, await hashing.ConfigureAwait(false));
    }

    /// <summary>Makes a checkpoint of parts that were written. Rank 0 alone.</summary>
    /// <exception cref="FencedException">A later attempt has the fence: this one must end.</exception>
    /// <exception cref="InvalidInputException">What a rank told of its parts does not hold together.</exception>
    /// <exception cref="StoreException">The store failed; the checkpoint does not exist, or does and will be found.</exception>
    public async Task CommitAsync(CheckpointPosition position, IReadOnlyList<CheckpointPart> parts, CancellationToken cancellationToken)
    {
        var folder = new CheckpointFolder(position.Step, Attempt);
        CheckpointJson.CheckParts(parts, Describe(folder.Manifest));
        var content = CheckpointJson.Write(new CheckpointManifest
        {
            Version = CheckpointManifest.CurrentVersion,
            StageDigest = _stageDigest,
            Attempt = Attempt,
            Position = position,
            Parts = [.. parts.OrderBy(part => part.Name, StringComparer.Ordinal)],
        });
        if (content.Length > CheckpointJson.MaximumManifestBytes)
        {
            throw new StoreException($"create of {Describe(folder.Manifest)}: {content.Length} bytes, more than the {CheckpointJson.MaximumManifestBytes} that a manifest may have");
        }

        await HoldFenceAsync(cancellationToken).ConfigureAwait(false);
        if (await _store.TryCreateAsync(folder.Manifest, content, cancellationToken).ConfigureAwait(false) is null)
        {
            var existing = await _store.TryReadAsync(folder.Manifest, CheckpointJson.MaximumManifestBytes, cancellationToken).ConfigureAwait(false);
            if (existing is null || !existing.Bytes.AsSpan().SequenceEqual(content))
            {
                throw new StoreException($"create of {Describe(folder.Manifest)}: this attempt has committed another checkpoint of that step");
            }
        }

        // If the fence is ours still, whoever takes it next lists the manifest and inherits it. If not, that one may have listed before:
        // then the checkpoint does not count, and must not be reported as if it did.
        await HoldFenceAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The newest whole checkpoint that counts. Rank 0 alone.</summary>
    /// <exception cref="FencedException">A later attempt has the fence: this one must end.</exception>
    /// <exception cref="InvalidInputException">A manifest is of an unknown version, of another stage, or malformed: nothing is guessed.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public async Task<CheckpointManifest?> FindLatestAsync(CancellationToken cancellationToken)
    {
        var fence = await HoldFenceAsync(cancellationToken).ConfigureAwait(false);
        return await FindLatestAsync(await CheckpointListing.ReadAsync(_store, cancellationToken).ConfigureAwait(false), fence, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Reads the manifest of a checkpoint that rank 0 found. Any rank.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="attempt">The attempt that wrote it.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="InvalidInputException">It is gone, or malformed.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public async Task<CheckpointManifest> OpenAsync(long step, long attempt, CancellationToken cancellationToken)
    {
        var folder = new CheckpointFolder(step, attempt);
        return await ReadManifestAsync(folder, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidInputException(Describe(folder.Manifest), null, "no such object", "the manifest of a checkpoint");
    }

    /// <summary>Deletes checkpoints that a policy does not keep, manifests first, and what interrupted writers and retentions left. Rank 0 alone.</summary>
    /// <exception cref="FencedException">A later attempt has the fence: this one must end.</exception>
    /// <exception cref="InvalidInputException">A manifest is of an unknown version, of another stage, or malformed: nothing is deleted.</exception>
    /// <exception cref="StoreException">The store failed; the next call goes on.</exception>
    public async Task RetainAsync(CheckpointSpec policy, CancellationToken cancellationToken)
    {
        var fence = await HoldFenceAsync(cancellationToken).ConfigureAwait(false);
        var listings = await CheckpointListing.ReadAsync(_store, cancellationToken).ConfigureAwait(false);
        var whole = new HashSet<CheckpointFolder>();
        foreach (var listing in listings.Where(listing => listing.HasManifest && fence.Counts(listing.Folder)))
        {
            if (await ReadManifestAsync(listing.Folder, cancellationToken).ConfigureAwait(false) is { } manifest && listing.Lack(manifest) is null)
            {
                whole.Add(listing.Folder);
            }
        }

        var deletable = CheckpointRetention.Deletable(listings, fence, whole, policy);
        if (deletable.Count == 0)
        {
            return;
        }

        await HoldFenceAsync(cancellationToken).ConfigureAwait(false);
        // Oldest first: whenever this is cut off, the newest are there.
        foreach (var listing in deletable.Reverse())
        {
            await DeleteAsync(_store, listing, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Deletes the checkpoints of a stage whose artifact is committed, and its fence with the last of them. Those at the policy's multiples stay, and the
    /// fence with them; and all of them, where an attempt later than the given one has begun.
    /// </summary>
    /// <param name="store">The stage's place.</param>
    /// <param name="stageDigest">Whose checkpoints they are.</param>
    /// <param name="attempt">The attempt that saw the artifact.</param>
    /// <param name="policy">Says what to keep, see <see cref="CheckpointSpec.KeepEverySteps"/>.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>How many were deleted, whole or not.</returns>
    /// <exception cref="InvalidInputException">The fence is of an unknown version, of another stage, or malformed: nothing is deleted.</exception>
    /// <exception cref="StoreException">The store failed; what is left harms nobody.</exception>
    public static async Task<int> RemoveFinishedAsync(
        IObjectStore store, string stageDigest, long attempt, CheckpointSpec policy, CancellationToken cancellationToken)
    {
        if (await ReadFenceAsync(store, stageDigest, cancellationToken).ConfigureAwait(false) is not var (fence, _) || fence.Attempt > attempt)
        {
            return 0;
        }

        var listings = await CheckpointListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        var deletable = listings
            .Where(listing => policy.KeepEverySteps == 0 || listing.Folder.Step % policy.KeepEverySteps != 0 || !listing.HasManifest || !fence.Counts(listing.Folder))
            .Reverse()
            .ToList();
        foreach (var listing in deletable)
        {
            await DeleteAsync(store, listing, cancellationToken).ConfigureAwait(false);
        }

        if (deletable.Count == listings.Count)
        {
            // Last: an attempt that was given up for dead finds no fence, and so must not write.
            await store.DeleteAsync(CheckpointFence.ObjectName, cancellationToken).ConfigureAwait(false);
        }

        return deletable.Count;
    }

    /// <summary>Reads a range of a part; every byte given was checked against its chunk's hash. Any rank.</summary>
    /// <exception cref="InvalidInputException">The part is missing, truncated or not what its manifest says; part and chunk are named.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public async Task ReadAsync(CheckpointManifest checkpoint, CheckpointPart part, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, part.Bytes - destination.Length);
        if (destination.IsEmpty)
        {
            return;
        }

        var name = new CheckpointFolder(checkpoint.Position.Step, checkpoint.Attempt).ObjectOf(part.Name);
        var first = (int)(offset / CheckpointPart.ChunkBytes);
        var last = (int)((offset + destination.Length - 1) / CheckpointPart.ChunkBytes);
        var options = new ParallelOptions { MaxDegreeOfParallelism = ChunksInFlight, CancellationToken = cancellationToken };
        try
        {
            await Parallel.ForEachAsync(Enumerable.Range(first, last - first + 1), options, async (chunk, token) =>
                await ReadChunkAsync(name, part, chunk, offset, destination, token).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // The store may have failed, or the part be missing or short: a listing tells.
            await CheckSizeAsync(name, part, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Its manifest first: whenever this is cut off, every manifest left has its parts.</summary>
    private static async Task DeleteAsync(IObjectStore store, CheckpointListing listing, CancellationToken cancellationToken)
    {
        if (listing.HasManifest)
        {
            await store.DeleteAsync(listing.Folder.Manifest, cancellationToken).ConfigureAwait(false);
        }

        var parts = listing.Sizes.Keys.Select(listing.Folder.ObjectOf).Where(name => name != listing.Folder.Manifest);
        var options = new ParallelOptions { MaxDegreeOfParallelism = DeletesInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(parts, options, async (name, token) => await store.DeleteAsync(name, token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task<(CheckpointFence Fence, string Version)> TakeOverAsync(
        IObjectStore store, CheckpointFence before, string version, long? attempt, CancellationToken cancellationToken)
    {
        var number = attempt ?? before.Attempt + 1;
        if (number <= before.Attempt)
        {
            throw Fenced(store, before, number);
        }

        var fence = before with
        {
            Attempt = number,
            Holder = NewHolder(),
            // One that was killed before its list was complete has committed nothing: its predecessor's is still the one to go on from.
            PreviousAttempt = before.PreviousAttempt ?? before.Attempt,
        };
        var taken = await store.TryReplaceAsync(CheckpointFence.ObjectName, CheckpointJson.Write(fence), version, cancellationToken).ConfigureAwait(false);
        return taken is not null ? (fence, taken) : throw await FencedAsync(store, fence.StageDigest, number, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<(CheckpointFence Fence, string Version)> TakeFirstAsync(
        IObjectStore store, string stageDigest, long? attempt, CancellationToken cancellationToken)
    {
        // Checkpoints without a fence: somebody deleted it. What is there counts, and attempts go on after the last that left anything.
        var listings = await CheckpointListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        var last = listings.Select(listing => listing.Folder.Attempt).DefaultIfEmpty(0).Max();
        if (listings.Count > 0 && attempt <= last)
        {
            throw new FencedException($"{store.Address} holds checkpoints of attempt {last}: attempt {attempt} is over");
        }

        var fence = new CheckpointFence
        {
            Version = CheckpointFence.CurrentVersion,
            StageDigest = stageDigest,
            Attempt = attempt ?? last + 1,
            Holder = NewHolder(),
            Inherited = [.. listings.Where(listing => listing.HasManifest).Select(listing => listing.Folder.Name)],
        };
        var taken = await store.TryCreateAsync(CheckpointFence.ObjectName, CheckpointJson.Write(fence), cancellationToken).ConfigureAwait(false);
        return taken is not null ? (fence, taken) : throw await FencedAsync(store, stageDigest, fence.Attempt, cancellationToken).ConfigureAwait(false);
    }

    private static string NewHolder() => Guid.NewGuid().ToString("N");

    private static async Task<(CheckpointFence Fence, string Version)?> ReadFenceAsync(
        IObjectStore store, string stageDigest, CancellationToken cancellationToken) =>
        await store.TryReadAsync(CheckpointFence.ObjectName, CheckpointFence.MaximumBytes, cancellationToken).ConfigureAwait(false) is { } content
            ? (CheckpointJson.ReadFence(content.Bytes, Describe(store, CheckpointFence.ObjectName), stageDigest), content.Version)
            : null;

    /// <summary>Somebody replaced the fence under our hands: says who.</summary>
    private static async Task<FencedException> FencedAsync(IObjectStore store, string stageDigest, long attempt, CancellationToken cancellationToken) =>
        await ReadFenceAsync(store, stageDigest, cancellationToken).ConfigureAwait(false) is var (fence, _)
            ? Fenced(store, fence, attempt)
            : new FencedException($"the fence of {store.Address} was deleted while attempt {attempt} held it");

    private static FencedException Fenced(IObjectStore store, CheckpointFence fence, long attempt) => new(fence.Attempt > attempt
        ? $"attempt {fence.Attempt} has taken over {store.Address}: attempt {attempt} is over"
        : $"another process holds {store.Address} as attempt {fence.Attempt}: attempt {attempt} must not write there");

    private static string Describe(IObjectStore store, string name) => $"{store.Address.TrimEnd('/')}/{name}";

    private static string[] HashChunks(ContentSegments content, CancellationToken cancellationToken)
    {
        var hashes = new string[CheckpointJson.ChunkCount(content.Length)];
        var options = new ParallelOptions { MaxDegreeOfParallelism = HashingThreads, CancellationToken = cancellationToken };
        Parallel.For(0, hashes.Length, options, chunk =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var offset = chunk * (long)CheckpointPart.ChunkBytes;
            foreach (var piece in content.Slice(offset, Math.Min(CheckpointPart.ChunkBytes, content.Length - offset)))
            {
                hash.AppendData(piece.Span);
            }

            hashes[chunk] = Convert.ToHexStringLower(hash.GetHashAndReset());
        });
        return hashes;
    }

    /// <summary>The fence, which must be this attempt's.</summary>
    /// <exception cref="FencedException">It is not.</exception>
    private async Task<CheckpointFence> HoldFenceAsync(CancellationToken cancellationToken)
    {
        var found = await ReadFenceAsync(_store, _stageDigest, cancellationToken).ConfigureAwait(false);
        return found is not var (fence, _) ? throw new FencedException($"{_store.Address} has no fence: attempt {Attempt} must not write there")
            : fence.Attempt != Attempt || (_holder is not null && fence.Holder != _holder) ? throw Fenced(_store, fence, Attempt)
            : fence;
    }

    private async Task<CheckpointManifest?> FindLatestAsync(
        IReadOnlyList<CheckpointListing> newestFirst, CheckpointFence fence, CancellationToken cancellationToken)
    {
        var skipped = new List<SkippedCheckpoint>();
        CheckpointManifest? latest = null;
        foreach (var listing in newestFirst.Where(listing => listing.HasManifest && fence.Counts(listing.Folder)))
        {
            var manifest = await ReadManifestAsync(listing.Folder, cancellationToken).ConfigureAwait(false);
            if (manifest is not null && listing.Lack(manifest) is { } lack)
            {
                skipped.Add(new SkippedCheckpoint(listing.Folder.Step, listing.Folder.Attempt, $"{Describe(CheckpointFolder.Prefix + listing.Folder.Name)}: {lack}"));
            }
            else if (manifest is not null)
            {
                latest = manifest;
                break;
            }
        }

        Skipped = skipped;
        return latest;
    }

    /// <summary>A manifest; null when it is gone since it was listed.</summary>
    private async Task<CheckpointManifest?> ReadManifestAsync(CheckpointFolder folder, CancellationToken cancellationToken) =>
        await _store.TryReadAsync(folder.Manifest, CheckpointJson.MaximumManifestBytes, cancellationToken).ConfigureAwait(false) is { } content
            ? CheckpointJson.ReadManifest(content.Bytes, Describe(folder.Manifest), _stageDigest, folder)
            : null;

    /// <summary>Reads one chunk, checks it and copies what of it lies in the range.</summary>
    private async Task ReadChunkAsync(
        string name, CheckpointPart part, int chunk, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var start = chunk * (long)CheckpointPart.ChunkBytes;
        var length = (int)Math.Min(CheckpointPart.ChunkBytes, part.Bytes - start);
        // A chunk that lies in the range whole needs no memory of its own.
        var isWhole = start >= offset && start + length <= offset + destination.Length;
        var memory = isWhole ? destination.Slice((int)(start - offset), length) : new byte[length];
        await _store.ReadRangeAsync(name, start, memory, cancellationToken).ConfigureAwait(false);
        var hash = Convert.ToHexStringLower(SHA256.HashData(memory.Span));
        if (hash != part.ChunkSha256[chunk])
        {
            throw new InvalidInputException(
                Describe(name), $"chunk {chunk} (bytes {start} to {start + length})", $"SHA-256 {hash}", $"{part.ChunkSha256[chunk]}, as its manifest says");
        }

        if (!isWhole)
        {
            var from = Math.Max(start, offset);
            var to = Math.Min(start + length, offset + destination.Length);
            memory[(int)(from - start)..(int)(to - start)].CopyTo(destination[(int)(from - offset)..]);
        }
    }

    private async Task CheckSizeAsync(string name, CheckpointPart part, CancellationToken cancellationToken)
    {
        await foreach (var item in _store.ListAsync(name, cancellationToken).ConfigureAwait(false))
        {
            if (item.Name == name)
            {
                if (item.Bytes != part.Bytes)
                {
                    var chunk = Math.Min(item.Bytes, part.Bytes) / CheckpointPart.ChunkBytes;
                    throw new InvalidInputException(Describe(name), $"chunk {chunk}", $"an end at byte {item.Bytes}", $"{part.Bytes} bytes, as its manifest says");
                }

                return;
            }
        }

        throw new InvalidInputException(Describe(name), null, "no such object", $"{part.Bytes} bytes, as its manifest says");
    }

    private string Describe(string name) => Describe(_store, name);
}

/// <summary>A later attempt at the same stage has taken over: this one must end without writing.</summary>
/// <param name="message">Whose the fence is.</param>
public sealed class FencedException(string message) : Exception(message);
