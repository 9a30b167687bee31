using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Pipelines;

/// <summary>All that a decision about a pipeline is made from.</summary>
internal sealed record PipelineObservation
{
    /// <summary>Generation of its spec.</summary>
    public required long Generation { get; init; }

    /// <summary>The pipeline, where its spec can be read and keeps every rule.</summary>
    public Pipeline? Pipeline { get; init; }

    /// <summary>What is wrong with its spec.</summary>
    public IReadOnlyList<InputError> Errors { get; init; } = [];

    /// <summary>Its status so far.</summary>
    public required PipelineStatus Status { get; init; }

    /// <summary>Runs that have the name of a stage's run, by kind and name; its own and others'.</summary>
    public required IReadOnlyDictionary<(string Kind, string Name), RunOfStage> Runs { get; init; }

    /// <summary>Now, to the second.</summary>
    public required DateTimeOffset Now { get; init; }
}

/// <summary>A run that stands where a stage's run should.</summary>
/// <param name="IsOurs">The pipeline controls it.</param>
/// <param name="IsSuspended">Its spec holds it.</param>
/// <param name="IsEnding">It is being deleted.</param>
/// <param name="Status">Its status.</param>
internal sealed record RunOfStage(bool IsOurs, bool IsSuspended, bool IsEnding, RunStatus Status);

/// <summary>What is to be said of a pipeline, and then done.</summary>
/// <param name="Status">The status as it should be.</param>
internal sealed record PipelineDecision(PipelineStatus Status)
{
    /// <summary>Runs to make.</summary>
    public IReadOnlyList<Run> Create { get; init; } = [];

    /// <summary>Runs to hold or let go, as their spec says.</summary>
    public IReadOnlyList<Run> Suspend { get; init; } = [];

    /// <summary>Delete the pipeline; its runs go with it.</summary>
    public bool IsOver { get; init; }

    /// <summary>What to tell after the status is written.</summary>
    public IReadOnlyList<Runs.RunEvent> Events { get; init; } = [];

    /// <summary>When to look again if nothing changes before.</summary>
    public TimeSpan? RequeueAfter { get; init; }
}
