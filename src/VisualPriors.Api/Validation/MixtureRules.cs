using System.Globalization;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on a mixture of text sources.</summary>
internal static class MixtureRules
{
    private const int MaximumDecimals = 6;
    private const string Field = "spec.data.mixture";

    /// <summary>
    /// Weights have at most six decimals: up to a million, the most they may be, every one is exact in the sampler's integer arithmetic and in
    /// JSON. One of them is above 0.
    /// </summary>
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
            if (decimal.Round(weight, MaximumDecimals) != weight)
            {
                yield return new Violation(run, field, found, $"at most {MaximumDecimals} decimals");
            }
        }

        if (mixture.Count > 0 && mixture.Values.All(weight => weight == 0))
        {
            yield return new Violation(run, Field, "weights that are all zero", "at least one source with a weight above 0");
        }
    }
}
