using System.Globalization;
using k8s.Models;
using VisualPriors.Api.Plans;

namespace VisualPriors.Operator.Gangs;

/// <summary>What a trainer pod's object says.</summary>
internal static class PodState
{
    /// <summary>Name of the container that counts.</summary>
    public const string Container = "trainer";

    /// <summary>Its attempt; 0 where the label is none of ours.</summary>
    public static int Attempt(V1Pod pod) => Number(pod, GangNames.Attempt) ?? 0;

    /// <summary>Its place among the attempt's pods; -1 where the label is none of ours.</summary>
    public static int NodeRank(V1Pod pod) => Number(pod, GangNames.NodeRank) ?? -1;

    /// <summary>It may run, or still come to run.</summary>
    public static bool IsActive(V1Pod pod) => pod.Status?.Phase is not ("Succeeded" or "Failed");

    /// <summary>It was deleted, and its processes are ending.</summary>
    public static bool IsEnding(V1Pod pod) => pod.Metadata.DeletionTimestamp is not null;

    /// <summary>It has a node.</summary>
    public static bool IsScheduled(V1Pod pod) => !string.IsNullOrEmpty(pod.Spec?.NodeName);

    /// <summary>Its container runs.</summary>
    public static bool IsRunning(V1Pod pod) => pod.Status?.Phase == "Running";

    /// <summary>Why it has no node or its container does not start, as Kubernetes says; null where nothing is said.</summary>
    public static (string Reason, string Message)? Obstacle(V1Pod pod)
    {
        if (pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" }) is { } unscheduled)
        {
            return (unscheduled.Reason ?? "Unschedulable", unscheduled.Message ?? "no node fits");
        }

        // "ContainerCreating" is the usual course of things.
        return pod.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == Container)?.State?.Waiting is { Reason: not (null or "ContainerCreating") } waiting
            ? (waiting.Reason, waiting.Message ?? waiting.Reason)
            : null;
    }

    /// <summary>How it ended; null while it has not.</summary>
    public static PodEnd? End(V1Pod pod)
    {
        if (IsActive(pod))
        {
            return null;
        }

        var terminated = pod.Status.ContainerStatuses?.FirstOrDefault(status => status.Name == Container)?.State?.Terminated;
        StageOutcome? outcome = null;
        if (terminated?.Message is { } message && PlanJson.TryReadOutcome(message, out var read))
        {
            outcome = read;
        }

        return new PodEnd
        {
            Pod = pod.Metadata.Name,
            Node = pod.Spec?.NodeName,
            NodeRank = NodeRank(pod),
            ExitCode = terminated?.ExitCode,
            // The pod's own reason (Evicted, NodeLost, ...) outweighs the container's (OOMKilled, Error).
            Reason = pod.Status.Reason ?? terminated?.Reason,
            Message = pod.Status.Message,
            Outcome = outcome,
            Time = terminated?.FinishedAt is { } finished ? new DateTimeOffset(finished, TimeSpan.Zero) : null,
        };
    }

    private static int? Number(V1Pod pod, string label) =>
        pod.Metadata.Labels is { } labels && labels.TryGetValue(label, out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>How a pod ended.</summary>
internal sealed record PodEnd
{
    /// <summary>The pod.</summary>
    public required string Pod { get; init; }

    /// <summary>The Kubernetes node it was on.</summary>
    public string? Node { get; init; }

    /// <summary>Its place in the gang.</summary>
    public required int NodeRank { get; init; }

    /// <summary>Its launcher's exit code; null where the container never ran, or nobody saw it end.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Kubernetes' word for it, such as <c>OOMKilled</c> or <c>Evicted</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>Kubernetes' sentence for it.</summary>
    public string? Message { get; init; }

    /// <summary>The launcher's own account.</summary>
    public StageOutcome? Outcome { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The stage's result, by the launcher's account or its exit code.</summary>
    public StageResult Result => Outcome?.Result ?? (ExitCode is { } code ? TrainerExitCode.ResultOf(code) : StageResult.Failed);
}
