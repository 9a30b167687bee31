using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on what a run's pods have beyond what the operator gives them.</summary>
internal static class PodRules
{
    private const string Field = "spec.compute.pod";
    private const string OwnPrefix = "visualpriors.dev/";

    private static readonly string[] ReservedPrefixes = ["AZURE_", "VISUALPRIORS_"];

    private static readonly string[] Reserved =
    [
        TrainerVariables.NodeRank, TrainerVariables.MasterAddress, TrainerVariables.MasterPort,
        "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "CUDA_VISIBLE_DEVICES",
    ];

    /// <summary>Labels by which the operator knows its pods stay its own.</summary>
    public static IEnumerable<Violation> LabelsAreNotOurs(Run run) =>
        (run.Compute.Pod?.Labels?.Keys ?? [])
            .Where(key => key.StartsWith(OwnPrefix, StringComparison.Ordinal))
            .Select(key => new Violation(run, $"{Field}.labels.{key}", $"'{key}'", $"a label that does not begin with {OwnPrefix}, which is the operator's own"));

    /// <summary>Variables that operator, launcher and ranks agree on stay theirs.</summary>
    public static IEnumerable<Violation> EnvironmentIsNotOurs(Run run) =>
        (run.Compute.Pod?.Environment?.Keys ?? [])
            .Where(name => Reserved.Contains(name) || ReservedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            .Select(name => new Violation(run, $"{Field}.environment.{name}", $"'{name}'", "a variable by which operator and trainer do not agree"));

    /// <summary>Tolerations are what a pod may have.</summary>
    public static IEnumerable<Violation> TolerationsAreWellFormed(Run run)
    {
        foreach (var (i, toleration) in (run.Compute.Pod?.Tolerations ?? []).Index())
        {
            var field = $"{Field}.tolerations[{i}]";
            if (toleration is { Operator: "Equal", Key: null })
            {
                yield return new Violation(run, $"{field}.key", "nothing", "a key, or the operator Exists");
            }

            if (toleration is { Operator: "Exists", Value: { } value })
            {
                yield return new Violation(run, $"{field}.value", $"'{value}'", "nothing with the operator Exists");
            }

            if (toleration is { TolerationSeconds: { } seconds, Effect: not "NoExecute" })
            {
                yield return new Violation(run, $"{field}.tolerationSeconds", $"{seconds}", "nothing without the effect NoExecute");
            }
        }
    }
}
