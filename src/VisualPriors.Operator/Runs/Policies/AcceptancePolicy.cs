using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>
/// The rules of the CRD, held once more: a server without CEL lets everything through that its schema cannot express. A refused run does nothing;
/// what it had started goes on.
/// </summary>
internal static class AcceptancePolicy
{
    /// <summary>Decides; null where the spec is good.</summary>
    public static RunDecision? Decide(RunObservation o)
    {
        if (o.Run is null)
        {
            return Refuse(o, "Invalid", string.Join("; ", o.Errors.Select(error => $"{error.Field}: found {error.Found}, expected {error.Expected}")));
        }

        return o.Status.SpecDigest is { } before && !SpecDigest.IsUnchanged(before, o.SpecDigest!)
            ? Refuse(o, "SpecImmutable", "spec: found a change, expected the spec as it was accepted (only suspend, ttlSecondsAfterFinished and failurePolicy may change): undo it, or delete the run and make a new one")
            : null;
    }

    private static RunDecision Refuse(RunObservation o, string reason, string message)
    {
        var bounded = StatusText.Bounded(message);
        var isNews = Conditions.Find(o.Status.Conditions, ConditionTypes.Accepted) is not { IsTrue: false } before || before.Message != bounded;
        return new RunDecision(o.Status.With(o, ConditionTypes.Accepted, false, reason, bounded) with { Phase = o.Attempt == 0 ? RunPhase.Pending : o.Status.Phase })
        {
            Events = isNews ? [new RunEvent(reason, bounded, IsWarning: true)] : [],
        };
    }
}
