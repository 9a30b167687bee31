using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>A run that has ended stays as it is: its pods that still run are ended, and the resource goes when its time to live is over.</summary>
internal static class FinishedPolicy
{
    /// <summary>Decides; null where the run has not ended.</summary>
    public static RunDecision? Decide(RunObservation o)
    {
        if (o.Status.Phase is not (RunPhase.Succeeded or RunPhase.Failed))
        {
            return null;
        }

        // Pods that ended stay, for their logs. Those of a success get the time to end by themselves: their first has said that all is done.
        var overdue = o.Pods.Where(pod => PodState.IsActive(pod) && !PodState.IsEnding(pod)).Select(pod => pod.Metadata.Name).ToList();
        var since = o.Now - (o.Status.CompletionTime ?? o.Now);
        var patience = o.Status.Phase == RunPhase.Succeeded ? EndingPatience : TimeSpan.Zero;
        var decision = new RunDecision(o.Status);
        if (overdue.Count > 0)
        {
            return since >= patience ? decision with { Actions = [new DeletePods(overdue)] } : decision with { RequeueAfter = patience - since };
        }

        if (o.Run?.Common.TtlSecondsAfterFinished is not { } seconds)
        {
            return decision;
        }

        var left = TimeSpan.FromSeconds(seconds) - since;
        return left > TimeSpan.Zero
            ? decision with { RequeueAfter = left }
            : decision with { Actions = [new DeleteRun()], Events = [new RunEvent("TimeToLiveOver", $"deleted {seconds} s after its end; its artifact stays")] };
    }

    private static readonly TimeSpan EndingPatience = TimeSpan.FromSeconds(30);
}
