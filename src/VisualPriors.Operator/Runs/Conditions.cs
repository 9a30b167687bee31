using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs;

/// <summary>Standard conditions, kept as Kubernetes asks: one per type, its time that of the last change of its status.</summary>
internal static class Conditions
{
    /// <summary>The conditions with one set.</summary>
    public static IReadOnlyList<StatusCondition> With(
        IReadOnlyList<StatusCondition>? conditions, string type, bool isTrue, string reason, string message, long generation, DateTimeOffset now)
    {
        var status = isTrue ? "True" : "False";
        var before = conditions?.FirstOrDefault(condition => condition.Type == type);
        var after = new StatusCondition
        {
            Type = type,
            Status = status,
            Reason = reason,
            Message = message,
            LastTransitionTime = before?.Status == status ? before.LastTransitionTime : now,
            ObservedGeneration = generation,
        };
        return [.. (conditions ?? []).Where(condition => condition.Type != type).Append(after).OrderBy(condition => Array.IndexOf(Order, condition.Type))];
    }

    /// <summary>The condition of a type; null where there is none.</summary>
    public static StatusCondition? Find(IReadOnlyList<StatusCondition>? conditions, string type) =>
        conditions?.FirstOrDefault(condition => condition.Type == type);

    /// <summary>Whether a condition is there and true.</summary>
    public static bool IsTrue(IReadOnlyList<StatusCondition>? conditions, string type) => Find(conditions, type)?.IsTrue == true;

    /// <summary>In the order of a run's life.</summary>
    private static readonly string[] Order =
    [
        ConditionTypes.Accepted, ConditionTypes.Queued, ConditionTypes.Scheduled, ConditionTypes.Running, ConditionTypes.Checkpointed,
        ConditionTypes.Suspended, ConditionTypes.Succeeded, ConditionTypes.Failed,
    ];
}
