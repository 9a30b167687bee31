using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs;

/// <summary>Writes a run's next status on the ground of its last one.</summary>
internal static class StatusBuilder
{
    /// <summary>The status with a condition set, at the generation and time of the observation.</summary>
    public static RunStatus With(this RunStatus status, RunObservation o, string type, bool isTrue, string reason, string message) => status with
    {
        ObservedGeneration = o.Generation,
        Conditions = Conditions.With(status.Conditions, type, isTrue, reason, message, o.Generation, o.Now),
    };

    /// <summary>Where a condition was once true, says that it no longer is.</summary>
    public static RunStatus Without(this RunStatus status, RunObservation o, string type, string reason, string message) =>
        Conditions.IsTrue(status.Conditions, type) ? status.With(o, type, false, reason, message) : status;

    /// <summary>Accepted, and waiting for something.</summary>
    public static RunDecision Waiting(this RunObservation o, string reason, string message, TimeSpan? requeueAfter = null)
    {
        var isNews = Conditions.Find(o.Status.Conditions, ConditionTypes.Queued) is not { IsTrue: true } before || before.Reason != reason || before.Message != message;
        return new RunDecision(o.Accepted().With(o, ConditionTypes.Queued, true, reason, message) with { Phase = RunPhase.Waiting })
        {
            Events = isNews ? [new RunEvent(reason, message)] : [],
            RequeueAfter = requeueAfter,
        };
    }

    /// <summary>The status of a run whose spec keeps every rule.</summary>
    public static RunStatus Accepted(this RunObservation o) => o.Status.With(o, ConditionTypes.Accepted, true, "Valid", "the spec keeps every rule") with
    {
        SpecDigest = o.SpecDigest,
    };

    /// <summary>Ended without an artifact.</summary>
    public static RunDecision Fail(this RunObservation o, RunStatus status, string reason, string message, params IEnumerable<RunAction> actions) =>
        new(status
            .Without(o, ConditionTypes.Queued, reason, message)
            .Without(o, ConditionTypes.Running, reason, message)
            .With(o, ConditionTypes.Failed, true, reason, message) with
        {
            Phase = RunPhase.Failed,
            CompletionTime = o.Now,
            RetryTime = null,
        })
        {
            Actions = [.. actions],
            Events = [new RunEvent("Failed", message, IsWarning: true)],
        };
}
