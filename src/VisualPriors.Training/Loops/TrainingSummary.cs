namespace VisualPriors.Training.Loops;

/// <summary>What came of a training loop.</summary>
/// <param name="Lines">Every step and validation.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="TokensPerSecond">Mean throughput of all ranks since this attempt began, validation left out.</param>
/// <param name="SkippedSteps">Updates left out because a loss or gradient was not finite.</param>
/// <param name="Rollbacks">Times that training went back after a loss spike.</param>
internal sealed record TrainingSummary(IReadOnlyList<MetricsLine> Lines, long Tokens, double TokensPerSecond, long SkippedSteps, int Rollbacks)
{
    /// <summary>Validation loss before the first step, where there is validation.</summary>
    public double? FirstValidationLoss => Lines.FirstOrDefault(line => line.ValidationLoss is not null)?.ValidationLoss;

    /// <summary>The last validation loss.</summary>
    public double? LastValidationLoss => Lines.LastOrDefault(line => line.ValidationLoss is not null)?.ValidationLoss;

    /// <summary>Mean loss over the last twentieth of the steps (at least one): a single step's loss is noise.</summary>
    public double FinalLoss
    {
        get
        {
            var losses = Lines.Where(line => line.Loss is not null).Select(line => line.Loss!.Value).ToList();
            return losses.TakeLast(Math.Max(1, losses.Count / 20)).DefaultIfEmpty(double.NaN).Average();
        }
    }
}
