using static TorchSharp.torch;

namespace VisualPriors.Training.Loops;

/// <summary>
/// Losses and gradient norms of steps whose numbers have not been read yet. They stay on the device, so that the step waits for
/// nothing; reading them once every few steps is also when a value that is not finite comes to light (the optimizer has skipped that
/// update on the device by itself).
/// </summary>
internal sealed class PendingSteps : IDisposable
{
    private readonly List<Entry> _entries = [];

    /// <summary>Number of steps not read yet.</summary>
    public int Count => _entries.Count;

    /// <summary>Adds a step.</summary>
    /// <param name="line">What is known of it on the host.</param>
    /// <param name="sampleLosses">Summed loss of every sample, [samples]; owned from here on.</param>
    /// <param name="supervisedTokens">Supervised tokens of the step.</param>
    /// <param name="gradientNorm">Device scalar; owned from here on.</param>
    /// <param name="sources">Source of every sample.</param>
    public void Add(MetricsLine line, Tensor sampleLosses, long supervisedTokens, Tensor gradientNorm, IReadOnlyList<string> sources) =>
        _entries.Add(new Entry(line, sampleLosses, supervisedTokens, gradientNorm, sources));

    /// <summary>Reads what is pending and forgets it.</summary>
    /// <exception cref="TrainingDivergedException">A loss or norm is not finite; the first such step is named.</exception>
    public IReadOnlyList<MetricsLine> Read()
    {
        var lines = new List<MetricsLine>(_entries.Count);
        foreach (var entry in _entries)
        {
            var losses = entry.SampleLosses.data<float>().ToArray();
            var bad = losses.Zip(entry.Sources).Where(pair => !float.IsFinite(pair.First)).Select(pair => pair.Second).Distinct().ToList();
            if (bad.Count > 0)
            {
                throw new TrainingDivergedException(entry.Line.Step, string.Join(", ", bad), "the loss");
            }

            var norm = entry.GradientNorm.item<float>();
            if (!float.IsFinite(norm))
            {
                throw new TrainingDivergedException(entry.Line.Step, null, "the gradient's norm");
            }

            lines.Add(entry.Line with { Loss = losses.Sum(loss => (double)loss) / entry.SupervisedTokens, GradientNorm = norm });
        }

        Dispose();
        return lines;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _entries)
        {
            entry.SampleLosses.Dispose();
            entry.GradientNorm.Dispose();
        }

        _entries.Clear();
    }

    private sealed record Entry(MetricsLine Line, Tensor SampleLosses, long SupervisedTokens, Tensor GradientNorm, IReadOnlyList<string> Sources);
}
