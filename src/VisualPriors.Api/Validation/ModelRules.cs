using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on a decoder's shape.</summary>
internal static class ModelRules
{
    private const string Field = "spec.model";

    /// <summary>A shape is given once: by a preset's name or by its dimensions.</summary>
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
    }

    /// <summary>Dimensions divide each other as attention needs it.</summary>
    public static IEnumerable<Violation> DimensionsFit(Run run)
    {
        if (run is not PretrainRun { Spec.Model.Dimensions: { HiddenSize: > 0, Heads: > 0, KeyValueHeads: > 0 } shape })
        {
            yield break;
        }

        const string field = Field + ".dimensions";
        // Rotary embeddings turn pairs of channels: a head's width is even.
        if (shape.HiddenSize % shape.Heads != 0 || shape.HiddenSize / shape.Heads % 2 != 0)
        {
            yield return new Violation(run, $"{field}.heads", $"{shape.Heads}", $"a divisor of hiddenSize ({shape.HiddenSize}) that leaves heads of even width");
        }

        if (shape.Heads % shape.KeyValueHeads != 0)
        {
            yield return new Violation(run, $"{field}.keyValueHeads", $"{shape.KeyValueHeads}", $"a divisor of heads ({shape.Heads})");
        }
    }
}
