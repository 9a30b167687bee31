using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Pods;

/// <summary>Leaves the outcome where an operator finds it when the container has ended.</summary>
internal static class TerminationMessage
{
    /// <summary>Writes it, if there is a place for it. That it cannot be written changes nothing of the outcome.</summary>
    /// <param name="path">The file, which may be there already; null for none.</param>
    /// <param name="outcome">The outcome.</param>
    /// <param name="log">Is told of a failure.</param>
    public static void Write(string? path, StageOutcome outcome, Action<string> log)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            return;
        }

        try
        {
            File.WriteAllText(path, PlanJson.WriteOutcome(outcome, TrainerContract.TerminationMessageBytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log($"the outcome cannot be left in {path}: {e.Message}");
        }
    }
}
