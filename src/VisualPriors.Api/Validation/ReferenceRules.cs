using System.Reflection;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on how runs point at each other.</summary>
internal static class ReferenceRules
{
    /// <summary>A kind and a name mean one run.</summary>
    public static IEnumerable<Violation> NamesAreUnique(IReadOnlyList<Run> runs) =>
        runs.GroupBy(run => (run.Kind, run.Metadata.Name))
            .SelectMany(group => group.Skip(1))
            .Select(run => new Violation(run, "metadata.name", $"a second {run.Kind} '{run.Metadata.Name}'", "a name used once per kind"));

    /// <summary>What a run starts from is of a kind that it can start from.</summary>
    public static IEnumerable<Violation> UpstreamIsOfAnAllowedKind(Run run)
    {
        if (run.Upstream is { } from && !AllowedKinds(run).Contains(from.Kind))
        {
            yield return new Violation(run, "spec.from.kind", $"'{from.Kind}'", Suggestion.OneOf(from.Kind, AllowedKinds(run)));
        }
    }

    /// <summary>What a run starts from is there. References of a wrong kind are another rule's.</summary>
    public static IEnumerable<Violation> UpstreamExists(IReadOnlyList<Run> runs)
    {
        foreach (var run in runs)
        {
            if (run.Upstream is { } from && AllowedKinds(run).Contains(from.Kind)
                && !runs.Any(other => other.Kind == from.Kind && other.Metadata.Name == from.Name))
            {
                var names = runs.Where(other => other.Kind == from.Kind && other != run).Select(other => other.Metadata.Name).ToList();
                var expected = names.Count == 0 ? $"an existing {from.Kind} (the manifest has none)" : $"an existing {from.Kind}: {Suggestion.OneOf(from.Name, names)}";
                yield return new Violation(run, "spec.from.name", $"'{from.Name}'", expected);
            }
        }
    }

    /// <summary>No run waits for itself. References of a wrong kind are another rule's.</summary>
    public static IEnumerable<Violation> NoCycle(IReadOnlyList<Run> runs)
    {
        if (RunGraph.FindCycle([.. runs.Where(run => run.Upstream is { } from && AllowedKinds(run).Contains(from.Kind))]) is { } cycle)
        {
            var names = cycle.Append(cycle[0]).Select(run => run.Metadata.Name);
            yield return new Violation(cycle[0], "spec.from", $"the cycle {string.Join(" <- ", names)}", "a chain that begins with a PretrainRun");
        }
    }

    /// <summary>Kinds that a run can start from.</summary>
    public static IReadOnlyList<string> AllowedKinds(Run run) =>
        run.Common.GetType().GetProperty(nameof(AlignSpec.From))?.GetCustomAttribute<AllowedKindsAttribute>()?.Kinds ?? [];
}
