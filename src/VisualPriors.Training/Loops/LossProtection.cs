using VisualPriors.Api.Resources;

namespace VisualPriors.Training.Loops;

/// <summary>Decides what becomes of steps whose numbers are known. Every rank sees the same numbers and decides the same.</summary>
/// <param name="spec">The limits.</param>
internal sealed class LossProtection(LossProtectionSpec spec)
{
    private SpikeDetector _spikes = new(spec.SpikeDeviations, spec.Window);
    private List<MetricsLine> _skippedInARow = [];

    /// <summary>Looks at a step.</summary>
    /// <returns>Whether it is a loss spike.</returns>
    /// <exception cref="TrainingDivergedException">More updates in a row were skipped than allowed.</exception>
    public bool IsSpike(MetricsLine line)
    {
        if (line.Skipped == true)
        {
            _skippedInARow.Add(line);
            return _skippedInARow.Count > spec.MaximumSkippedSteps ? throw Diverged(_skippedInARow) : false;
        }

        _skippedInARow = [];
        return line.Loss is { } loss && _spikes.IsSpike(loss);
    }

    /// <summary>Begins anew from the lines of a checkpoint.</summary>
    public void Restore(IEnumerable<MetricsLine> lines)
    {
        _spikes = new SpikeDetector(spec.SpikeDeviations, spec.Window);
        _skippedInARow = [];
        foreach (var line in lines.Where(line => line.LearningRate is not null))
        {
            IsSpike(line);
        }
    }

    private static TrainingDivergedException Diverged(List<MetricsLine> skipped)
    {
        var first = skipped[0];
        var source = skipped.Select(line => line.SkippedSource).FirstOrDefault(found => found is not null);
        var what = first.Loss is null ? "the loss" : "the gradient's norm";
        var where = source is null ? "" : $", in samples from {source}";
        var times = skipped.Count == 1 ? "" : $" and {skipped.Count - 1} more in a row";
        return new TrainingDivergedException($"{what} is not finite at step {first.Step}{where}{times}; no update was made from it", first.Step, source);
    }
}
