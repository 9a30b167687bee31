namespace VisualPriors.Training.Loops;

/// <summary>Training stopped on request, all ranks after the same step.</summary>
/// <param name="message">After which step, and whether it was saved.</param>
public sealed class TrainingInterruptedException(string message) : OperationCanceledException(message);
