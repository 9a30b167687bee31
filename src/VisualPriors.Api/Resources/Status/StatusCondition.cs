using System.Text.Json.Serialization;

namespace VisualPriors.Api.Resources.Status;

/// <summary>A condition as Kubernetes has them.</summary>
public sealed record StatusCondition
{
    /// <summary>What it is about: <c>Accepted</c>, <c>Queued</c>, <c>Scheduled</c>, <c>Running</c>, <c>Checkpointed</c>, <c>Suspended</c>, <c>Succeeded</c> or <c>Failed</c>.</summary>
    public required string Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public required string Status { get; init; }

    /// <summary>One word for programs, such as <c>WaitingForUpstream</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>One sentence for people.</summary>
    public required string Message { get; init; }

    /// <summary>When <see cref="Status"/> last changed.</summary>
    public required DateTimeOffset LastTransitionTime { get; init; }

    /// <summary>Generation of the spec that was looked at.</summary>
    public required long ObservedGeneration { get; init; }

    /// <summary>Whether it is so.</summary>
    [JsonIgnore]
    public bool IsTrue => Status == "True";
}

/// <summary>Types of conditions.</summary>
public static class ConditionTypes
{
    /// <summary>Its spec keeps every rule.</summary>
    public const string Accepted = "Accepted";

    /// <summary>It waits: for its upstream, its data, or another run that computes the same.</summary>
    public const string Queued = "Queued";

    /// <summary>Every pod of the attempt has a node.</summary>
    public const string Scheduled = "Scheduled";

    /// <summary>Every pod of the attempt runs.</summary>
    public const string Running = "Running";

    /// <summary>There is a whole checkpoint to go on from.</summary>
    public const string Checkpointed = "Checkpointed";

    /// <summary>It is held.</summary>
    public const string Suspended = "Suspended";

    /// <summary>Its artifact is there.</summary>
    public const string Succeeded = "Succeeded";

    /// <summary>It ended without an artifact.</summary>
    public const string Failed = "Failed";
}
