using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Checkpoints;

/// <summary>A real store with a hook before every change: to pause there, or to be cut off there.</summary>
internal sealed class StoreDecorator(IObjectStore inner, Func<string, string, Task> beforeChange) : IObjectStore
{
    public string Address => inner.Address;

    public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    /// <summary>What is read in an object's stead; null for nothing.</summary>
    public Func<string, string?> BeforeRead { get; init; } = name => name;

    public async Task<VersionedContent?> TryReadAsync(string name, int maximumBytes, CancellationToken cancellationToken) =>
        BeforeRead(name) is { } other ? await inner.TryReadAsync(other, maximumBytes, cancellationToken) : null;

    public Task ReadRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.ReadRangeAsync(name, offset, destination, cancellationToken);

    public async Task WriteAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        await beforeChange("write", name);
        await inner.WriteAsync(name, content, cancellationToken);
    }

    public async Task<string?> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await beforeChange("create", name);
        return await inner.TryCreateAsync(name, content, cancellationToken);
    }

    public async Task<string?> TryReplaceAsync(string name, ReadOnlyMemory<byte> content, string version, CancellationToken cancellationToken)
    {
        await beforeChange("replace", name);
        return await inner.TryReplaceAsync(name, content, version, cancellationToken);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await beforeChange("delete", name);
        await inner.DeleteAsync(name, cancellationToken);
    }
}

/// <summary>The process is gone.</summary>
internal sealed class CutOffException : Exception;
