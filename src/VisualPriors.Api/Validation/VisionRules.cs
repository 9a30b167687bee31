using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on what is seen and asked.</summary>
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
        if (tokens < 1 || side * side != tokens)
        {
            yield return new Violation(run, "spec.visualTokens", $"{tokens}", "a square number: 1, 4, 9, 16 ...");
        }
        else if (length <= tokens)
        {
            yield return new Violation(run, "spec.training.maximumLength", $"{length}", $"more than the {tokens} visual tokens of an image");
        }
    }

    /// <summary>An evaluation scores something.</summary>
    public static IEnumerable<Violation> SuitesAreGiven(Run run)
    {
        if (run is EvalRun { Spec.Suites.Count: 0 })
        {
            yield return new Violation(run, "spec.suites", "an empty list", "at least one suite");
        }
    }
}
