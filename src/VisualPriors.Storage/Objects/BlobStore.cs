using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace VisualPriors.Storage.Objects;

/// <summary>Objects as block blobs of an Azure storage container. A version is an entity tag.</summary>
/// <param name="address">The address, for messages.</param>
/// <param name="container">The container; created when something is written and it is missing.</param>
/// <param name="prefix">What all names begin with, without the slash behind it; may be empty.</param>
/// <param name="retry">How long to try again.</param>
internal sealed class BlobStore(string address, BlobContainerClient container, string prefix, RetrySettings retry) : IObjectStore
{
    private const int BlockBytes = 8 << 20;
    private const int MaximumBlocks = 50_000;
    private const int BlocksInFlight = 6;

    /// <summary>Largest object read to see whether it is what we sent.</summary>
    private const int MaximumConditionalBytes = 64 << 20;

    /// <summary>How often an upload begins again because the store lost blocks of it.</summary>
    private const int UploadTries = 3;

    /// <summary>The library sends its other kind, CRC-64, in a framing that the emulator does not read.</summary>
    private static readonly UploadTransferValidationOptions Checksum = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    private readonly string _namePrefix = prefix.Length == 0 ? "" : prefix + "/";

    /// <inheritdoc/>
    public string Address => address;

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? continuation = ""; continuation is not null;)
        {
            var from = continuation;
            var page = await RunAsync("list", prefix, (_, token) => TryListPageAsync(from, token), cancellationToken).ConfigureAwait(false);
            foreach (var item in page?.Values ?? [])
            {
                if (item.Name.StartsWith(_namePrefix, StringComparison.Ordinal) && item.Name[_namePrefix.Length..] is var name && ObjectName.IsValid(name))
                {
                    yield return new StoredObject(name, item.Properties.ContentLength ?? 0);
                }
            }

            continuation = page?.ContinuationToken is { Length: > 0 } next ? next : null;
        }

        async Task<Page<BlobItem>?> TryListPageAsync(string from, CancellationToken token)
        {
            try
            {
                var pages = container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _namePrefix + prefix, token).AsPages(from.Length > 0 ? from : null);
                await using var enumerator = pages.GetAsyncEnumerator(token);
                return await enumerator.MoveNextAsync().ConfigureAwait(false) ? enumerator.Current : null;
            }
            catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound)
            {
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public Task<VersionedContent?> TryReadAsync(string name, int maximumBytes, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        return RunAsync("read", name, (_, token) => TryReadOnceAsync(blob, name, maximumBytes, token), cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReadRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        var done = 0;
        return destination.IsEmpty ? Task.CompletedTask : RunAsync(
            "read",
            name,
            async (_, token) =>
            {
                // Goes on where the last try broke off.
                try
                {
                    var options = new BlobDownloadOptions { Range = new HttpRange(offset + done, destination.Length - done) };
                    using var answer = (await blob.DownloadStreamingAsync(options, token).ConfigureAwait(false)).Value;
                    while (done < destination.Length)
                    {
                        var read = await answer.Content.ReadAsync(destination[done..], token).ConfigureAwait(false);
                        if (read == 0)
                        {
                            break;
                        }

                        done += read;
                    }
                }
                catch (RequestFailedException e) when (e.Status == 404)
                {
                    throw new StoreException($"read of {Describe(name)}: there is no such object");
                }
                catch (RequestFailedException e) when (e.Status == 416)
                {
                    // It ends where we wanted to go on: told below.
                }

                return done == destination.Length
                    ? true
                    : throw new StoreException($"read of {Describe(name)}: it ends at byte {offset + done}, before byte {offset + destination.Length}");
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task WriteAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        var segments = new ContentSegments(content);
        if (segments.Length <= BlockBytes)
        {
            await RunAsync(
                "write", name, (_, token) => UploadAsync(blob, segments, conditions: null, token), cancellationToken).ConfigureAwait(false);
            return;
        }

        for (var tries = 1; !await TryUploadBlocksAsync(blob, name, segments, cancellationToken).ConfigureAwait(false); tries++)
        {
            if (tries == UploadTries)
            {
                throw new StoreException($"write of {Describe(name)}: the store lost blocks of it, {UploadTries} times over");
            }
        }
    }

    /// <inheritdoc/>
    public Task<string?> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        TryUploadAsync("create", name, content, new BlobRequestConditions { IfNoneMatch = ETag.All }, cancellationToken);

    /// <inheritdoc/>
    public Task<string?> TryReplaceAsync(string name, ReadOnlyMemory<byte> content, string version, CancellationToken cancellationToken) =>
        TryUploadAsync("replace", name, content, new BlobRequestConditions { IfMatch = new ETag(version) }, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        return RunAsync(
            "delete",
            name,
            async (_, token) =>
            {
                try
                {
                    await blob.DeleteAsync(cancellationToken: token).ConfigureAwait(false);
                }
                catch (RequestFailedException e) when (e.Status == 404)
                {
                    // Not there, or deleted by an earlier try whose answer was lost.
                }

                return true;
            },
            cancellationToken);
    }

    private async Task<string?> TryUploadAsync(
        string operation, string name, ReadOnlyMemory<byte> content, BlobRequestConditions conditions, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        var segments = new ContentSegments([content]);
        return await RunAsync(
            operation,
            name,
            async (tries, token) =>
            {
                try
                {
                    return await UploadAsync(blob, segments, conditions, token).ConfigureAwait(false);
                }
                catch (RequestFailedException e) when (IsRefusedByCondition(e))
                {
                    // An earlier try may have been carried out and only its answer lost: then what is there is ours.
                    var current = tries > 1 ? await TryReadOnceAsync(blob, name, MaximumConditionalBytes, token).ConfigureAwait(false) : null;
                    return current is not null && content.Span.SequenceEqual(current.Bytes) ? current.Version : null;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static bool IsRefusedByCondition(RequestFailedException e) =>
        e.Status == 412 || e.ErrorCode == BlobErrorCode.BlobAlreadyExists || e.ErrorCode == BlobErrorCode.BlobNotFound;

    private static async Task<string> UploadAsync(
        BlockBlobClient blob, ContentSegments content, BlobRequestConditions? conditions, CancellationToken cancellationToken)
    {
        // One request: the whole blob, or nothing.
        var single = new StorageTransferOptions { InitialTransferSize = content.Length + 1, MaximumTransferSize = content.Length + 1, MaximumConcurrency = 1 };
        var options = new BlobUploadOptions { Conditions = conditions, TransferValidation = Checksum, TransferOptions = single };
        await using var stream = content.OpenRead(0, content.Length);
        return (await blob.UploadAsync(stream, options, cancellationToken).ConfigureAwait(false)).Value.ETag.ToString();
    }

    /// <summary>False when the store no longer has a block that it took: it was restarted, or dropped them to make room.</summary>
    private async Task<bool> TryUploadBlocksAsync(BlockBlobClient blob, string name, ContentSegments content, CancellationToken cancellationToken)
    {
        var length = Math.Max(BlockBytes, (content.Length + MaximumBlocks - 1) / MaximumBlocks);
        var count = (int)((content.Length + length - 1) / length);
        // All of one length, as the store demands of one blob's, and unlike any that another writer of this name may be sending.
        var upload = Guid.NewGuid().ToByteArray();
        var ids = Enumerable.Range(0, count).Select(i => BlockId(upload, i)).ToArray();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = BlocksInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, count), parallel, async (i, outer) => await RunAsync(
            $"write of block {i} of {count}",
            name,
            async (_, token) =>
            {
                await using var stream = content.OpenRead(i * length, Math.Min(length, content.Length - (i * length)));
                await blob.StageBlockAsync(ids[i], stream, new BlockBlobStageBlockOptions { TransferValidation = Checksum }, token).ConfigureAwait(false);
                return true;
            },
            outer).ConfigureAwait(false)).ConfigureAwait(false);
        return await RunAsync(
            "write",
            name,
            async (_, token) =>
            {
                try
                {
                    await blob.CommitBlockListAsync(ids, options: null, token).ConfigureAwait(false);
                    return true;
                }
                catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.InvalidBlockList)
                {
                    return false;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static string BlockId(byte[] upload, int index)
    {
        Span<byte> id = stackalloc byte[upload.Length + sizeof(int)];
        upload.CopyTo(id);
        BinaryPrimitives.WriteInt32BigEndian(id[upload.Length..], index);
        return Convert.ToBase64String(id);
    }

    private async Task<VersionedContent?> TryReadOnceAsync(BlockBlobClient blob, string name, int maximumBytes, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = (await blob.DownloadStreamingAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
            var length = answer.Details.ContentLength;
            if (length > maximumBytes)
            {
                throw new StoreException($"read of {Describe(name)}: {length} bytes, more than the {maximumBytes} expected at most");
            }

            var bytes = new byte[length];
            await answer.Content.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
            return new VersionedContent(bytes, answer.Details.ETag.ToString());
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound || e.ErrorCode == BlobErrorCode.ContainerNotFound)
        {
            return null;
        }
    }

    private BlockBlobClient Blob(string name) => container.GetBlockBlobClient(_namePrefix + ObjectName.Check(name));

    private string Describe(string name) => $"{address.TrimEnd('/')}/{name}";

    /// <summary>Runs an operation until it succeeds, fails for good, or its time is over.</summary>
    private async Task<T> RunAsync<T>(string operation, string name, Func<int, CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        for (var tries = 1; ; tries++)
        {
            var remaining = retry.TotalTime - watch.Elapsed;
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limited.CancelAfter(remaining <= TimeSpan.Zero ? TimeSpan.Zero : remaining < retry.TryTime ? remaining : retry.TryTime);
            BlobFailure failure;
            try
            {
                try
                {
                    return await run(tries, limited.Token).ConfigureAwait(false);
                }
                catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound)
                {
                    await CreateContainerAsync(operation, name, limited.Token).ConfigureAwait(false);
                    failure = new BlobFailure("the container was missing", true, null);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && BlobFailure.From(e) is { } found)
            {
                // The cause is left out: the library's messages may quote requests.
                failure = found;
            }

            var delay = retry.DelayAfter(tries, Random.Shared.NextDouble(), failure.RetryAfter);
            if (!failure.IsTransient || watch.Elapsed + delay >= retry.TotalTime)
            {
                var effort = tries == 1 ? "" : $" (tried {tries} times in {watch.Elapsed.TotalSeconds:F0} s)";
                throw new StoreException($"{operation} of {Describe(name)}: {failure.Reason}{effort}");
            }

            await Task.Delay(delay, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CreateContainerAsync(string operation, string name, CancellationToken cancellationToken)
    {
        try
        {
            await container.CreateIfNotExistsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status is 401 or 403)
        {
            throw new StoreException($"{operation} of {Describe(name)}: the container {container.Name} does not exist and may not be created with this credential; create it");
        }
    }
}
