using System.Diagnostics.CodeAnalysis;

namespace VisualPriors.ControllerRuntime;

/// <summary>How soon a key is taken.</summary>
public enum WorkPriority
{
    /// <summary>One of many: found by listing again.</summary>
    Low,

    /// <summary>Something happened: an edit, a delete, a timer, a retry.</summary>
    High,
}

/// <summary>A key to work on, until <see cref="WorkQueue{TKey}.Done"/>.</summary>
/// <typeparam name="TKey">Key.</typeparam>
/// <param name="Key">The key.</param>
/// <param name="Priority">What it was queued with.</param>
/// <param name="Waited">How long it was queued.</param>
public readonly record struct WorkItem<TKey>(TKey Key, WorkPriority Priority, TimeSpan Waited);

/// <summary>
/// Keys to work on. A key is queued once however often it is added, is never with two workers, and comes back once if it was added while
/// worked on.
/// </summary>
/// <typeparam name="TKey">Key.</typeparam>
[SuppressMessage("Naming", "CA1711", Justification = "It is a queue, and the field's name for it.")]
public sealed class WorkQueue<TKey>
    where TKey : notnull
{
    /// <summary>Queues a key now.</summary>
    public void Add(TKey key, WorkPriority priority = WorkPriority.High) => throw new NotImplementedException();

    /// <summary>Queues a key after a while; of several times the earliest counts. Taking the key to work on it forgets them.</summary>
    public void AddAfter(TKey key, TimeSpan delay) => throw new NotImplementedException();

    /// <summary>Queues a key again after a failure, each time later.</summary>
    /// <returns>The wait.</returns>
    public TimeSpan AddRateLimited(TKey key, TimeSpan? ceiling = null) => throw new NotImplementedException();

    /// <summary>Forgets a key's failures.</summary>
    public void Forget(TKey key) => throw new NotImplementedException();

    /// <summary>Waits for a key to work on; null when the queue is shut down.</summary>
    public ValueTask<WorkItem<TKey>?> TakeAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The worker is done with a key.</summary>
    public void Done(TKey key) => throw new NotImplementedException();

    /// <summary>Takes no more keys in, gives none out.</summary>
    public void ShutDown() => throw new NotImplementedException();
}
