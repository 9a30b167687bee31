using System.Globalization;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on a decoder's shape.</summary>
internal static class ModelRules
{
    private const string Field = "spec.model";

    /// <summary>A shape is given once: by a known preset's name or by its dimensions.</summary>
    public static IEnumerable<Violation> PresetOrDimensions(Run run)
    {
        if (run is not PretrainRun { Spec.Model: { } model })
        {
            yield break;
        }

        if (model is { Preset: null, Dimensions: null } or { Preset: not null, Dimensions: not null })
        {
            yield return new Violation(run, Field, model.Preset is null ? "neither preset nor dimensions" : "both preset and dimensions", "one of the two");
        }
        else if (model.Preset is { } preset && !DecoderPresets.All.ContainsKey(preset))
        {
            yield return new Violation(run, Field + ".preset", $"'{preset}'", Suggestion.OneOf(preset, DecoderPresets.All.Keys));
        }
    }

    /// <summary>Dimensions are positive and divide each other as attention needs it.</summary>
    public static IEnumerable<Violation> DimensionsFit(Run run)
    {
        if (run is not PretrainRun { Spec.Model.Dimensions: { } shape })
        {
            return [];
        }

        const string field = Field + ".dimensions";
        var sizes = new[]
        {
            (Name: "layers", Value: shape.Layers),
            (Name: "hiddenSize", Value: shape.HiddenSize),
            (Name: "heads", Value: shape.Heads),
            (Name: "keyValueHeads", Value: shape.KeyValueHeads),
            (Name: "feedForwardSize", Value: shape.FeedForwardSize),
        };
        var violations = sizes
            .Where(size => size.Value < 1)
            .Select(size => new Violation(run, $"{field}.{size.Name}", size.Value.ToString(CultureInfo.InvariantCulture), "at least 1"))
            .ToList();
        if (violations.Count == 0)
        {
            // Rotary embeddings turn pairs of channels: a head's width is even.
            if (shape.HiddenSize % shape.Heads != 0 || shape.HiddenSize / shape.Heads % 2 != 0)
            {
                violations.Add(new Violation(run, $"{field}.heads", $"{shape.Heads}", $"a divisor of hiddenSize ({shape.HiddenSize}) that leaves heads of even width"));
            }

            if (shape.Heads % shape.KeyValueHeads != 0)
            {
                violations.Add(new Violation(run, $"{field}.keyValueHeads", $"{shape.KeyValueHeads}", $"a divisor of heads ({shape.Heads})"));
            }
        }

        foreach (var (name, value) in new[] { ("ropeTheta", shape.RopeTheta), ("rmsNormEpsilon", shape.RmsNormEpsilon) })
        {
            if (value <= 0)
            {
                violations.Add(new Violation(run, $"{field}.{name}", value.ToString(CultureInfo.InvariantCulture), "a number above 0"));
            }
        }

        return violations;
    }
}
