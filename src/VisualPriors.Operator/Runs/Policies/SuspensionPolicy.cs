using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Gangs;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>A suspended run has no pods: they are asked to end, and save what they have.</summary>
internal static class SuspensionPolicy
{
    /// <summary>Decides; null where the run is not suspended.</summary>
    public static RunDecision? Decide(RunObservation o)
    {
        if (!o.Run!.Common.Suspend)
        {
            return null;
        }

        const string Reason = "Suspended";
        const string Message = "held by spec.suspend";
        var isNews = !Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Suspended);
        var status = o.Accepted()
            .Without(o, ConditionTypes.Queued, Reason, Message)
            .Without(o, ConditionTypes.Scheduled, Reason, Message)
            .Without(o, ConditionTypes.Running, Reason, Message)
            .With(o, ConditionTypes.Suspended, true, Reason, Message) with
        {
            Phase = RunPhase.Suspended,
        };
        var pods = o.Pods.Where(pod => !PodState.IsEnding(pod)).Select(pod => pod.Metadata.Name).ToList();
        return new RunDecision(status)
        {
            Actions = pods.Count > 0 ? [new DeletePods(pods)] : [],
            Events = isNews ? [new RunEvent(Reason, pods.Count > 0 ? "suspended: its pods save and end" : "suspended")] : [],
        };
    }
}
