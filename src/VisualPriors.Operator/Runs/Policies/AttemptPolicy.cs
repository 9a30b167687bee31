using System.Globalization;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>Reads the current attempt's pods: they start, they run, they end, and the run with them.</summary>
internal static class AttemptPolicy
{
    /// <summary>Longest wait before another attempt.</summary>
    private static readonly TimeSpan MaximumBackoff = TimeSpan.FromMinutes(5);

    /// <summary>What is said of pods that nothing is known of yet. From the start: otherwise the first look at them would have to write it.</summary>
    public static readonly (string Reason, string Message) Unscheduled = ("Scheduling", "pods are to be given nodes");

    /// <summary>Likewise of their containers.</summary>
    public static readonly (string Reason, string Message) Unstarted = ("Starting", "pods are to start");

    /// <summary>Decides; null where there is no attempt under way, or where pods of it are still to be made.</summary>
    public static RunDecision? Decide(RunObservation o)
    {
        if (!IsUnderWay(o))
        {
            return null;
        }

        var pods = o.Pods.Where(pod => PodState.Attempt(pod) == o.Attempt).ToList();
        var ends = pods.Select(PodState.End).OfType<PodEnd>().ToList();
        if (ends.Find(end => end is { NodeRank: 0, Outcome: { Result: StageResult.Succeeded, ArtifactDigest: not null } }) is { } success)
        {
            return Succeed(o, success.Outcome!);
        }

        var failed = ends.Where(end => end.NodeRank == 0 || end.Result != StageResult.Succeeded).ToList();
        if (failed.Count > 0)
        {
            return GangFailure.Find(failed, pods.Exists(PodState.IsActive), o.Now) is { } cause
                ? Fail(o, pods, GangFailure.Describe(cause, o.Attempt), GangFailure.IsRetryable(cause))
                : new RunDecision(o.Accepted()) { RequeueAfter = GangFailure.AttributionPatience };
        }

        var missing = o.Run!.Compute.Nodes - pods.Count;
        if (missing > 0)
        {
            return Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Running) ? Fail(o, pods, Lost(o, pods), isRetryable: true) : null;
        }

        return Overdue(pods, o.Now) is { Count: > 0 } overdue
            ? new RunDecision(o.Accepted()) { Actions = [new DeletePods(overdue, IsForced: true)] }
            : Follow(o, pods);
    }

    /// <summary>Whether the attempt in the status has begun and is not over.</summary>
    public static bool IsUnderWay(RunObservation o) =>
        o.Attempt > 0 && o.Status.RetryTime is null && !Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Suspended);

    /// <summary>Pods that should have ended long ago: their node does not answer.</summary>
    public static IReadOnlyList<string> Overdue(IEnumerable<V1Pod> pods, DateTimeOffset now) =>
    [
        // A deletion timestamp is the time at which the grace period is over.
        .. pods.Where(pod => pod.Metadata.DeletionTimestamp is { } due && now - new DateTimeOffset(due, TimeSpan.Zero) > LostNodePatience)
            .Select(pod => pod.Metadata.Name),
    ];

    /// <summary>How long after its grace period a pod may take to go.</summary>
    public static readonly TimeSpan LostNodePatience = TimeSpan.FromSeconds(60);

    private static RunDecision Follow(RunObservation o, List<V1Pod> pods)
    {
        var status = o.Accepted();
        var events = new List<RunEvent>();
        var of = pods.Count;
        var scheduled = pods.Count(PodState.IsScheduled);
        var running = pods.Count(PodState.IsRunning);
        var obstacle = pods.Select(PodState.Obstacle).FirstOrDefault(found => found is not null);
        if (scheduled == of)
        {
            status = status.With(o, ConditionTypes.Scheduled, true, "Scheduled", $"all {of} pods have a node");
        }
        else
        {
            var (reason, message) = obstacle ?? Unscheduled;
            status = status.With(o, ConditionTypes.Scheduled, false, reason, message);
        }

        if (running == of)
        {
            if (!Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Running))
            {
                events.Add(new RunEvent("Running", $"attempt {o.Attempt}: all {of} pods run"));
            }

            status = status.With(o, ConditionTypes.Running, true, "Running", $"all {of} pods run") with { Phase = RunPhase.Running };
        }
        else if (!Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Running))
        {
            var (reason, message) = obstacle ?? Unstarted;
            status = status.With(o, ConditionTypes.Running, false, reason, message);
        }

        if (obstacle is { } news && Conditions.Find(o.Status.Conditions, ConditionTypes.Running)?.Reason != news.Reason && running < of)
        {
            events.Add(new RunEvent(news.Reason, news.Message, IsWarning: true));
        }

        if (o.Status.Progress?.CheckpointStep is not null)
        {
            status = status.With(o, ConditionTypes.Checkpointed, true, "Checkpointed", "there is a whole checkpoint to go on from");
        }

        return new RunDecision(status) { Events = events };
    }

    private static RunDecision Succeed(RunObservation o, StageOutcome outcome) => SucceededRun.Decide(
        o, new RunArtifact
        {
            Address = o.ArtifactAddress!,
            Digest = outcome.ArtifactDigest!,
            Reused = false,
            Results = SucceededRun.Text(outcome.Results),
        });

    private static RunFailure Lost(RunObservation o, List<V1Pod> pods)
    {
        var present = pods.Select(PodState.NodeRank).ToHashSet();
        var rank = Enumerable.Range(0, o.Run!.Compute.Nodes).First(rank => !present.Contains(rank));
        return new RunFailure
        {
            Attempt = o.Attempt,
            Reason = "PodLost",
            Message = "a pod was deleted while it ran",
            Pod = GangNames.Pod(o.Key, o.Attempt, rank),
        };
    }

    private static RunDecision Fail(RunObservation o, List<V1Pod> pods, RunFailure failure, bool isRetryable)
    {
        var active = pods.Where(pod => PodState.IsActive(pod) && !PodState.IsEnding(pod)).Select(pod => pod.Metadata.Name).ToList();
        RunAction[] actions = active.Count > 0 ? [new DeletePods(active)] : [];
        var restarts = o.Status.Restarts ?? 0;
        var policy = o.Run!.Common.FailurePolicy;
        var said = string.Create(
            CultureInfo.InvariantCulture, $"attempt {o.Attempt}: {(failure.Rank is { } rank ? $"rank {rank} in " : "")}pod {failure.Pod}: {failure.Reason}: {failure.Message}");
        var status = o.Accepted() with { Failure = failure };
        if (!isRetryable || restarts >= policy.MaximumRestarts)
        {
            return o.Fail(status, isRetryable ? "TooManyRestarts" : failure.Reason, said, actions);
        }

        var backoff = TimeSpan.FromSeconds(Math.Min(MaximumBackoff.TotalSeconds, policy.BackoffSeconds * Math.Pow(2, restarts)));
        return new RunDecision(status
            .With(o, ConditionTypes.Scheduled, false, "AttemptFailed", said)
            .With(o, ConditionTypes.Running, false, "AttemptFailed", said) with
        {
            Phase = RunPhase.Starting,
            Restarts = restarts + 1,
            RetryTime = o.Now + backoff,
        })
        {
            Actions = actions,
            Events = [new RunEvent("AttemptFailed", $"{said}; the next attempt follows in {backoff.TotalSeconds:0} s", IsWarning: true)],
            RequeueAfter = backoff,
        };
    }
}
