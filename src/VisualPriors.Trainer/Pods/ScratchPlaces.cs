using System.Security.Cryptography;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Pods;

/// <summary>Where on this node lies what a plan places in an object store. Launcher and ranks find the same folders, as nothing but the plan decides.</summary>
internal static class ScratchPlaces
{
    /// <summary>Whether a place is an address in an object store; otherwise it is a folder.</summary>
    public static bool IsAddress(string place) => place.Contains("://", StringComparison.Ordinal);

    /// <summary>The plan with folders only. Inputs are named by their digests, so that one which plays two parts is fetched once.</summary>
    /// <param name="planPath">The plan's file, for errors.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="scratch">The scratch folder; may be null where the plan places everything in folders.</param>
    /// <exception cref="InvalidInputException">There is no scratch folder and the plan needs one, or an input has no digest.</exception>
    public static StagePlan Of(string planPath, StagePlan plan, string? scratch) => plan with
    {
        Placement = plan.Placement with
        {
            Inputs = plan.Placement.Inputs.ToDictionary(
                input => input.Key,
                input => IsAddress(input.Value) ? Path.Combine(Need(scratch, planPath, $"placement.inputs.{input.Key}", input.Value), "inputs", DigestOf(planPath, plan, input.Key)) : input.Value),
            Output = IsAddress(plan.Placement.Output) ? Path.Combine(Need(scratch, planPath, "placement.output", plan.Placement.Output), "output") : plan.Placement.Output,
        },
    };

    /// <summary>The digest that a plan expects of an input.</summary>
    /// <exception cref="InvalidInputException">It names none.</exception>
    public static string DigestOf(string planPath, StagePlan plan, string role) =>
        plan.Computation.Inputs.TryGetValue(role, out var digest) && digest.Length == SHA256.HashSizeInBytes * 2 && digest.All(char.IsAsciiHexDigitLower)
            ? digest
            : throw new InvalidInputException(planPath, $"computation.inputs.{role}", $"'{digest}'", "64 lower-case hexadecimal digits");

    private static string Need(string? scratch, string planPath, string field, string place) =>
        scratch ?? throw new InvalidInputException(planPath, field, place, $"a folder, or {TrainerVariables.Scratch} in the environment to fetch to");
}
