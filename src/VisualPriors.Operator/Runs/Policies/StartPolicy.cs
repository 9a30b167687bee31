using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>
/// Starts an attempt, or finishes making one's gang: last in the chain, when nothing else speaks against it. What is there already is taken, what
/// another run computes is waited for, and no pod of an earlier attempt may be left.
/// </summary>
internal static class StartPolicy
{
    /// <summary>Time between looks at what nobody tells of when it changes: data in the store.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    /// <summary>Decides.</summary>
    public static RunDecision Decide(RunObservation o, StagePreparation preparation)
    {
        if (preparation is NotPrepared problem)
        {
            return o.Waiting(problem.Reason, problem.Message, LookAgain);
        }

        var stage = (Prepared)preparation;
        if (o.Attempt > 0 && o.Status.StageDigest != stage.Digest)
        {
            return o.Waiting("DataChanged", "a data set is no longer the one that the run began with: put it back, or delete the run and make a new one", LookAgain);
        }

        // Whatever is decided, the status says it together with what the run computes: the others see it by that.
        o = o with { Status = o.Status with { StageDigest = stage.Digest } };
        if (stage.Finished is { } artifact)
        {
            return SucceededRun.Decide(o, artifact with { Reused = o.Attempt == 0 });
        }

        if (stage.Competitor is { } other)
        {
            // It tells of its end, unless it goes before its status says what it computes.
            return o.Waiting("SameStage", $"{other} computes the same; its artifact will be taken", LookAgain);
        }

        return AttemptPolicy.IsUnderWay(o) ? new RunDecision(o.Accepted()) { Actions = [new CreateGang(o.Attempt)] } : StartNext(o, stage.AttemptTime);
    }

    private static RunDecision StartNext(RunObservation o, DateTimeOffset time)
    {
        if (o.Status.RetryTime - o.Now is { } left && left > TimeSpan.Zero)
        {
            return new RunDecision(o.Accepted()) { RequeueAfter = left };
        }

        if (o.Pods.Count > 0)
        {
            var overdue = AttemptPolicy.Overdue(o.Pods, o.Now);
            var present = o.Pods.Where(pod => !PodState.IsEnding(pod)).Select(pod => pod.Metadata.Name).ToList();
            return new RunDecision(o.Accepted())
            {
                Actions = [.. Delete(present, isForced: false), .. Delete(overdue, isForced: true)],
                RequeueAfter = AttemptPolicy.LostNodePatience,
            };
        }

        var attempt = o.Attempt + 1;
        var nodes = o.Run!.Compute.Nodes;
        var message = $"attempt {attempt} starts with {nodes} {(nodes == 1 ? "pod" : "pods")}";
        return new RunDecision(o.Accepted()
            .Without(o, ConditionTypes.Queued, "Starting", message)
            .Without(o, ConditionTypes.Suspended, "Resumed", message)
            .With(o, ConditionTypes.Scheduled, false, AttemptPolicy.Unscheduled.Reason, AttemptPolicy.Unscheduled.Message)
            .With(o, ConditionTypes.Running, false, AttemptPolicy.Unstarted.Reason, AttemptPolicy.Unstarted.Message) with
        {
            Phase = RunPhase.Starting,
            Attempt = attempt,
            // By another replica's clock the attempt before may have begun later.
            AttemptTime = o.Status.AttemptTime is { } before && before >= time ? before.AddMilliseconds(1) : time,
            RetryTime = null,
            StartTime = o.Status.StartTime ?? o.Now,
        })
        {
            Actions = [new CreateGang(attempt)],
            Events = [new RunEvent("AttemptStarted", message)],
        };
    }

    private static IEnumerable<RunAction> Delete(IReadOnlyList<string> names, bool isForced) =>
        names.Count > 0 ? [new DeletePods(names, isForced)] : [];
}
