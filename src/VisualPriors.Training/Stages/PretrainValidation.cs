using System.Runtime.InteropServices;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Distributed.Communication;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Loss on held-out windows of the mixture's sources: the same windows at every validation.</summary>
internal sealed class PretrainValidation(
    Decoder decoder, TextCorpus corpus, MixtureSchedule schedule, PretrainTrainingSpec training, long totalSteps, World world)
{
    private const int WindowsPerPass = 16;
    private readonly IReadOnlyList<(int Source, long[] Tokens)> _windows =
        ValidationWindows.Take(corpus, schedule, training.SequenceLength, training.Validation.Sequences);

    /// <summary>Whether there is one after a number of steps: before the first, after the last, and at the interval asked for.</summary>
    public bool IsDue(long step) =>
        step == 0 || step == totalSteps || (training.Validation.EverySteps > 0 && step % training.Validation.EverySteps == 0);

    /// <summary>Takes the loss now; every rank does.</summary>
    public ValidationResult Take()
    {
        // Ranks take windows in turn; each gives its own losses, in order.
        var own = Losses([.. _windows.Where((_, i) => i % world.Size == world.Rank)]);
        var all = world.Steps.AllGather(MemoryMarshal.AsBytes(own.AsSpan()), CancellationToken.None)
            .Select(message => MemoryMarshal.Cast<byte, double>(message).ToArray()).ToList();
        var losses = _windows.Select((_, i) => all[i % world.Size][i / world.Size]).ToArray();
        var bySource = _windows.Select((window, i) => (window.Source, Loss: losses[i]))
            .GroupBy(item => schedule.Sources[item.Source])
            .ToDictionary(group => group.Key, group => group.Average(item => item.Loss), StringComparer.Ordinal);
        return new ValidationResult(losses.Average(), bySource);
    }

    /// <summary>Mean loss of every window.</summary>
    private double[] Losses(IReadOnlyList<(int Source, long[] Tokens)> mine)
    {
        var length = training.SequenceLength;
        var losses = new List<double>();
        using var noGradient = no_grad();

        // Every rank makes as many passes, also where it has no window left: gathered parameters want all of them.
        var passes = ((_windows.Count + world.Size - 1) / world.Size + WindowsPerPass - 1) / WindowsPerPass;
        for (var pass = 0; pass < passes; pass++)
        {
            using var scope = NewDisposeScope();
            var windows = mine.Skip(pass * WindowsPerPass).Take(WindowsPerPass).ToList();
            var shown = windows.Count > 0 ? windows : [_windows[0]];
            var sums = PretrainStage.SampleLosses(decoder, Batch(shown)).cpu().data<float>();
            losses.AddRange(windows.Select((_, i) => (double)sums[i] / length));
        }

        return [.. losses];
    }

    private MicroBatch Batch(List<(int Source, long[] Tokens)> windows)
    {
        var length = training.SequenceLength;
        return new MicroBatch
        {
            BatchSize = windows.Count,
            Length = length,
            Inputs = [.. windows.SelectMany(window => window.Tokens.Take(length))],
            Targets = [.. windows.SelectMany(window => window.Tokens.Skip(1))],
            Sources = [],
            SupervisedTokens = windows.Count * length,
            Tokens = windows.Count * length,
        };
    }
}
