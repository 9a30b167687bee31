namespace VisualPriors.Training.Loops;

/// <summary>A loss or gradient that is not finite: the run ends, since what follows would be noise.</summary>
/// <param name="step">Step at which it happened, counted from 1.</param>
/// <param name="source">Sources of the samples at fault; null when every sample's loss was finite and only the gradient was not.</param>
/// <param name="what">What was not finite.</param>
public sealed class TrainingDivergedException(long step, string? source, string what)
    : Exception($"{what} is not finite at step {step}{(source is null ? "" : $", in samples from {source}")}; no update was made from it")
{
    /// <summary>Step at which it happened, counted from 1.</summary>
    public long Step => step;

    /// <summary>Sources of the samples at fault, where a sample's loss shows it.</summary>
    public string? SampleSource => source;
}
