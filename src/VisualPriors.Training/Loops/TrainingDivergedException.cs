namespace VisualPriors.Training.Loops;

/// <summary>Losses or gradients that go wrong more often than the run allows: it ends, since what follows would be noise.</summary>
/// <param name="message">What went wrong, from which step on, and in which samples where a sample's loss shows it.</param>
/// <param name="step">Step at which it began, counted from 1.</param>
/// <param name="source">Sources of the samples at fault, where a sample's loss shows it.</param>
public sealed class TrainingDivergedException(string message, long step, string? source = null) : Exception(message)
{
    /// <summary>Step at which it began, counted from 1.</summary>
    public long Step => step;

    /// <summary>Sources of the samples at fault, where a sample's loss shows it.</summary>
    public string? SampleSource => source;
}
