using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources.Status;

/// <summary>Observed state of a pipeline.</summary>
public sealed record PipelineStatus
{
    /// <summary>Generation of the spec that was looked at last.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Where it stands, in one word.</summary>
    public RunPhase? Phase { get; init; }

    /// <summary>Standard conditions, one per type.</summary>
    [ListKey("type")]
    public IReadOnlyList<StatusCondition>? Conditions { get; init; }

    /// <summary>When its first run was made.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>When it succeeded or failed.</summary>
    public DateTimeOffset? CompletionTime { get; init; }

    /// <summary>Stages succeeded of all, as people read it, such as <c>2/4</c>.</summary>
    public string? Progress { get; init; }

    /// <summary>Every stage, in the order they run.</summary>
    public IReadOnlyList<PipelineStageStatus>? Stages { get; init; }
}

/// <summary>A stage as it stands.</summary>
public sealed record PipelineStageStatus
{
    /// <summary>Name of the stage.</summary>
    public required string Name { get; init; }

    /// <summary>Kind of its run.</summary>
    public required string Kind { get; init; }

    /// <summary>Name of its run; absent until it is made.</summary>
    public string? Run { get; init; }

    /// <summary>The run's phase.</summary>
    public RunPhase? Phase { get; init; }

    /// <summary>The run's stage digest: the lineage of what comes after it.</summary>
    public string? StageDigest { get; init; }

    /// <summary>The run's artifact was there already.</summary>
    public bool? Reused { get; init; }
}
