using System.Globalization;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on a mixture of text sources.</summary>
internal static class MixtureRules
{
    /// <summary>Largest weight; with six decimals below it, every weight is exact in the sampler's integer arithmetic and in JSON.</summary>
    public const decimal MaximumWeight = 1_000_000;

    private const int MaximumDecimals = 6;
    private const string Field = "spec.data.mixture";

    /// <summary>Weights are numbers from 0 of at most six decimals, one of them above 0.</summary>
    public static IEnumerable<Violation> WeightsMakeAMixture(Run run)
    {
        if (run is not PretrainRun { Spec.Data.Mixture: { } mixture })
        {
            yield break;
        }

        foreach (var (source, weight) in mixture)
        {
            var field = $"{Field}.{source}";
            var found = weight.ToString(CultureInfo.InvariantCulture);
            if (weight is < 0 or > MaximumWeight)
            {
                yield return new Violation(run, field, found, $"a weight from 0 to {MaximumWeight}");
            }
            else if (decimal.Round(weight, MaximumDecimals) != weight)
            {
                yield return new Violation(run, field, found, $"at most {MaximumDecimals} decimals");
            }
        }

        if (mixture.Count == 0)
        {
            yield return new Violation(run, Field, "no source", "at least one source with a weight above 0");
        }
        else if (mixture.Values.All(weight => weight == 0))
        {
            yield return new Violation(run, Field, "weights that are all zero", "at least one source with a weight above 0");
        }
    }
}
