using VisualPriors.Api.Errors;

namespace VisualPriors.Cli.Preparation;

/// <summary>Makes the data sets of the quickstart.</summary>
internal static class DataPreparation
{
    /// <summary>Makes what is not there yet.</summary>
    /// <exception cref="InvalidInputException">A source is missing or damaged.</exception>
    public static Task PrepareAsync(PreparationOptions options, IProgress<PreparationProgress> progress, CancellationToken cancellationToken) =>
        throw new InvalidInputException(options.Packages, null, "a program without data preparation", "one with it");
}
