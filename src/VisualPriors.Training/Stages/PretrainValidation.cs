using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Loss on held-out windows of the mixture's sources: the same windows at every validation.</summary>
internal sealed class PretrainValidation(
    Decoder decoder, TextCorpus corpus, MixtureSchedule schedule, PretrainTrainingSpec training, long totalSteps)
{
    private const int WindowsPerPass = 16;
    private readonly IReadOnlyList<(int Source, long[] Tokens)> _windows =
        ValidationWindows.Take(corpus, schedule, training.SequenceLength, training.Validation.Sequences);

    /// <summary>Validation after a number of steps: before the first, after the last, and at the interval asked for.</summary>
    public ValidationResult? At(long step, CancellationToken cancellationToken)
    {
        var due = step == 0 || step == totalSteps || (training.Validation.EverySteps > 0 && step % training.Validation.EverySteps == 0);
        return due ? Take(cancellationToken) : null;
    }

    private ValidationResult Take(CancellationToken cancellationToken)
    {
        var length = training.SequenceLength;
        var losses = new double[_windows.Count];
        using var noGradient = no_grad();
        for (var first = 0; first < _windows.Count; first += WindowsPerPass)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var windows = _windows.Skip(first).Take(WindowsPerPass).ToList();
            var batch = new MicroBatch
            {
                BatchSize = windows.Count,
                Length = length,
                Inputs = [.. windows.SelectMany(window => window.Tokens.Take(length))],
                Targets = [.. windows.SelectMany(window => window.Tokens.Skip(1))],
                Sources = [],
                SupervisedTokens = windows.Count * length,
                Tokens = windows.Count * length,
            };
            var sums = PretrainStage.SampleLosses(decoder, batch).data<float>();
            for (var i = 0; i < windows.Count; i++)
            {
                losses[first + i] = sums[i] / length;
            }
        }

        var bySource = _windows.Select((window, i) => (window.Source, Loss: losses[i]))
            .GroupBy(item => schedule.Sources[item.Source])
            .ToDictionary(group => group.Key, group => group.Average(item => item.Loss), StringComparer.Ordinal);
        return new ValidationResult(losses.Average(), bySource);
    }
}
