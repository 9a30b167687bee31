using System.Globalization;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Pipelines;

/// <summary>A gate that a stage's results missed.</summary>
/// <param name="Score">Name of the result.</param>
/// <param name="Message">One clause for people, such as <c>overall is 0.21, the gate asks for at least 0.25</c>.</param>
public sealed record GateViolation(string Score, string Message);

/// <summary>Holds a stage's results against its gates.</summary>
public static class PipelineGates
{
    /// <summary>The first gate that is missed; null when the stage may be followed by the next.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="results">The scalar results of its run, by name.</param>
    public static GateViolation? Check(PipelineStage stage, IReadOnlyDictionary<string, double> results) =>
        (stage.Gates ?? []).Select(gate => Check(gate, results)).FirstOrDefault(violation => violation is not null);

    private static GateViolation? Check(PipelineGate gate, IReadOnlyDictionary<string, double> results)
    {
        if (!results.TryGetValue(gate.Score, out var value))
        {
            var known = results.Count == 0 ? "none" : Suggestion.OneOf(gate.Score, results.Keys);
            return new GateViolation(gate.Score, $"there is no result '{gate.Score}'; the stage gave {known}");
        }

        // Written so that a result which is no number misses every bound.
        if (gate.Minimum is { } minimum && !(value >= minimum))
        {
            return new GateViolation(gate.Score, $"{gate.Score} is {Text(value)}, the gate asks for at least {Text(minimum)}");
        }

        return gate.Maximum is { } maximum && !(value <= maximum)
            ? new GateViolation(gate.Score, $"{gate.Score} is {Text(value)}, the gate asks for at most {Text(maximum)}")
            : null;
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
