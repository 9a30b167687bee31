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
        if (o.Status.StageDigest != stage.Digest)
        {
            return o.Attempt > 0
                ? o.Waiting("DataChanged", "a data set is no longer the one that the run began with: put it back, or delete the run and make a new one", LookAgain)
                // Said before anything is done, so that of two runs that compute the same each sees the other.
                : new RunDecision(o.Accepted() with { StageDigest = stage.Digest, Phase = RunPhase.Waiting }) { IsContinued = true };
        }

        if (stage.Finished is { } artifact)
        {
            return SucceededRun.Decide(o, artifact with { Reused = o.Attempt == 0 });
        }

        if (stage.Competitor is { } other)
        {
            return o.Waiting("SameStage", $"{other} computes the same; its artifact will be taken");
        }

        return AttemptPolicy.IsUnderWay(o) ? new RunDecision(o.Accepted()) { Actions = [new CreateGang(o.Attempt)] } : StartNext(o);
    }

    private static RunDecision StartNext(RunObservation o)
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
            .With(o, ConditionTypes.Scheduled, false, "Starting", message)
            .With(o, ConditionTypes.Running, false, "Starting", message) with
        {
            Phase = RunPhase.Starting,
            Attempt = attempt,
            AttemptTime = o.Now,
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
