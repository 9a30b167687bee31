namespace VisualPriors.ControllerRuntime;

/// <summary>What becomes of an object's children.</summary>
public enum DeletionPropagation
{
    /// <summary>They are collected afterwards.</summary>
    Background,

    /// <summary>They go first.</summary>
    Foreground,

    /// <summary>They stay.</summary>
    Orphan,
}

/// <summary>How to delete an object.</summary>
public sealed record DeleteRequest
{
    /// <summary>What becomes of its children.</summary>
    public DeletionPropagation Propagation { get; init; } = DeletionPropagation.Background;

    /// <summary>Delete only the object with this uid, not one of the same name that came after it.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete only this state of it.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>How long its processes have to end; null: what the object says.</summary>
    public TimeSpan? GracePeriod { get; init; }
}
