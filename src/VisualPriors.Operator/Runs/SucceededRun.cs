using System.Globalization;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs;

/// <summary>Ends a run whose artifact is there.</summary>
internal static class SucceededRun
{
    /// <summary>The decision that says so.</summary>
    public static RunDecision Decide(RunObservation o, RunArtifact artifact)
    {
        var message = artifact.Reused ? "the artifact was there already: another run computed the same" : "the artifact is committed";
        return new RunDecision(o.Accepted()
            .Without(o, ConditionTypes.Queued, "Succeeded", message)
            .Without(o, ConditionTypes.Running, "Succeeded", message)
            .Without(o, ConditionTypes.Suspended, "Succeeded", message)
            .With(o, ConditionTypes.Succeeded, true, artifact.Reused ? "Reused" : "Computed", message) with
        {
            Phase = RunPhase.Succeeded,
            CompletionTime = o.Now,
            RetryTime = null,
            Artifact = artifact,
        })
        {
            Events = [new RunEvent("Succeeded", $"{message}: {artifact.Address}")],
        };
    }

    /// <summary>Results as a status holds them: text, for numbers with a fraction make poor fields in Kubernetes.</summary>
    public static IReadOnlyDictionary<string, string>? Text(IReadOnlyDictionary<string, double>? results) => results?
        .OrderBy(result => result.Key, StringComparer.Ordinal)
        .ToDictionary(result => result.Key, result => result.Value.ToString("G6", CultureInfo.InvariantCulture));
}
