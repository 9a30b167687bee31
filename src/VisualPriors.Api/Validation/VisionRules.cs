using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on what is seen.</summary>
internal static class VisionRules
{
    /// <summary>Visual tokens fill a square grid and leave room for text.</summary>
    public static IEnumerable<Violation> VisualTokensFormAGrid(Run run)
    {
        if (run is not AlignRun { Spec: { VisualTokens: var tokens, Training.MaximumLength: var length } })
        {
            yield break;
        }

        var side = (int)Math.Sqrt(Math.Max(0, tokens));
        if (side * side != tokens)
        {
            yield return new Violation(run, "spec.visualTokens", $"{tokens}", "a square number: 1, 4, 9, 16 ...");
        }
        else if (length <= tokens)
        {
            yield return new Violation(run, "spec.training.maximumLength", $"{length}", $"more than the {tokens} visual tokens of an image");
        }
    }
}
