namespace VisualPriors.Storage.Objects;

/// <summary>
/// Objects by name below one address, in a folder or in a blob container. Names are relative paths with forward slashes. An object appears
/// whole or not at all. Safe for use by several threads. What fails for a while (throttling, a restart, a broken connection) is tried again
/// for a bounded time before it is an error.
/// </summary>
public interface IObjectStore
{
    /// <summary>The address it was opened with, for messages; holds no secrets.</summary>
    public string Address { get; }

    /// <summary>Objects whose names begin with a prefix, in the order of their names.</summary>
    /// <exception cref="StoreException">The store cannot be reached or refuses.</exception>
    public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Reads a small object whole; null when there is none.</summary>
    /// <exception cref="StoreException">It is larger than <paramref name="maximumBytes"/>, or the store cannot be reached or refuses.</exception>
    public Task<VersionedContent?> TryReadAsync(string name, int maximumBytes, CancellationToken cancellationToken);

    /// <summary>Reads a part of an object.</summary>
    /// <exception cref="StoreException">There is no such object, or it ends before the range does, or the store cannot be reached or refuses.</exception>
    public Task ReadRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Writes an object of any size, in parallel pieces, each checked on arrival where the store can; replaces one of that name. Durable when it returns.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="content">Its bytes, one segment after another; must not change until this returns.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="StoreException">The store is full, cannot be reached, or refuses.</exception>
    public Task WriteAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken);

    /// <summary>Writes a small object unless there is one of that name; gives its version, or null where there was one. Durable when it returns.</summary>
    /// <exception cref="StoreException">The store is full, cannot be reached, or refuses.</exception>
    public Task<string?> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Replaces a small object if it is still of that version; gives the new version, or null where it is not.</summary>
    /// <exception cref="StoreException">The store is full, cannot be reached, or refuses.</exception>
    public Task<string?> TryReplaceAsync(string name, ReadOnlyMemory<byte> content, string version, CancellationToken cancellationToken);

    /// <summary>Deletes an object; none of that name is no error.</summary>
    /// <exception cref="StoreException">The store cannot be reached or refuses.</exception>
    public Task DeleteAsync(string name, CancellationToken cancellationToken);
}

/// <summary>An object as a listing shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its size.</param>
public sealed record StoredObject(string Name, long Bytes);

/// <summary>A small object's content.</summary>
/// <param name="Bytes">The content.</param>
/// <param name="Version">Names this content, for <see cref="IObjectStore.TryReplaceAsync"/>.</param>
public sealed record VersionedContent(byte[] Bytes, string Version);

/// <summary>A store failed for good: it is full, refuses, or could not be reached in the time it was given. Trying again later may help.</summary>
/// <param name="message">Operation, object and reason.</param>
/// <param name="cause">What was seen of it.</param>
public sealed class StoreException(string message, Exception? cause = null) : Exception(message, cause);
