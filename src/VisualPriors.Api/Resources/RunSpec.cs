using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>What the desired state of every run has in common: where it computes and how it is looked after. Nothing of it enters the stage digest but the precision.</summary>
public abstract record RunSpec
{
    /// <summary>Where and how to compute.</summary>
    [Immutable]
    public ComputeSpec Compute { get; init; } = new();

    /// <summary>What to do when an attempt fails. On a cluster; locally a run is run again by hand.</summary>
    public FailurePolicySpec FailurePolicy { get; init; } = new();

    /// <summary>Hold the run: pods save and end, and nothing starts until this is false again. On a cluster.</summary>
    public bool Suspend { get; init; }

    /// <summary>Seconds after its end that the resource is deleted; left out, it is kept. Its artifact stays. On a cluster.</summary>
    [Minimum(0)]
    public int? TtlSecondsAfterFinished { get; init; }
}

/// <summary>What to do when an attempt fails.</summary>
public sealed record FailurePolicySpec
{
    /// <summary>
    /// New attempts after failures that may go away (a lost node, a signal, a broken collective). Wrong input and diverged training are never
    /// tried again. 3 is INFERRED: enough for a bad hour, too few to hide a bug.
    /// </summary>
    [Minimum(0)]
    [Maximum(1000)]
    public int MaximumRestarts { get; init; } = 3;

    /// <summary>Seconds before the first new attempt; doubles with each further one, up to five minutes. INFERRED.</summary>
    [Minimum(0)]
    [Maximum(300)]
    public int BackoffSeconds { get; init; } = 10;
}
