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
