namespace VisualPriors.Training.Loops;

/// <summary>Tells loss spikes: losses far above those of the last steps.</summary>
/// <param name="deviations">Standard deviations above the mean that make a spike; 0 finds none.</param>
/// <param name="window">Steps that a loss is measured against; nothing is a spike before half of them are known (as in OLMo-core).</param>
internal sealed class SpikeDetector(double deviations, int window)
{
    private readonly Queue<double> _losses = [];

    /// <summary>Whether a loss is a spike; one that is not is remembered.</summary>
    public bool IsSpike(double loss)
    {
        if (deviations > 0 && _losses.Count >= Math.Max(2, window / 2))
        {
            var mean = _losses.Average();
            var variance = _losses.Sum(value => (value - mean) * (value - mean)) / (_losses.Count - 1);
            if (loss > mean + (deviations * Math.Sqrt(variance)))
            {
                return true;
            }
        }

        _losses.Enqueue(loss);
        if (_losses.Count > window)
        {
            _losses.Dequeue();
        }

        return false;
    }
}
