using k8s.Models;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Runs;

/// <summary>All that a decision about a run is made from, but for its plan.</summary>
internal sealed record RunObservation
{
    /// <summary>The run's name.</summary>
    public required RunKey Key { get; init; }

    /// <summary>Generation of its spec.</summary>
    public required long Generation { get; init; }

    /// <summary>The run, where its spec can be read and keeps every rule.</summary>
    public Run? Run { get; init; }

    /// <summary>What is wrong with its spec.</summary>
    public IReadOnlyList<InputError> Errors { get; init; } = [];

    /// <summary>Digest of the part of its spec that must not change; null where it cannot be read.</summary>
    public string? SpecDigest { get; init; }

    /// <summary>Its status so far.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>The run that it starts from; null where it starts from none, or where that one does not exist.</summary>
    public UpstreamObservation? Upstream { get; init; }

    /// <summary>Where its artifact is to appear; null until its stage digest is known.</summary>
    public string? ArtifactAddress { get; init; }

    /// <summary>Its pods, of every attempt, also those that are ending.</summary>
    public required IReadOnlyList<V1Pod> Pods { get; init; }

    /// <summary>Now, to the second: what a status can hold.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Number of the current attempt; 0 before the first.</summary>
    public int Attempt => Status.Attempt ?? 0;
}

/// <summary>The run before, as it stands.</summary>
/// <param name="Phase">Its phase.</param>
/// <param name="StageDigest">What it computes, once it knows.</param>
/// <param name="Failure">Why it failed, if it did.</param>
internal sealed record UpstreamObservation(RunPhase Phase, string? StageDigest, string? Failure);
