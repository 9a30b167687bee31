using System.Diagnostics;
using VisualPriors.Api.Plans;
using VisualPriors.Torch;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Loops;

/// <summary>
/// The loop that every training stage runs: load, forward and backward per micro-batch, one optimizer step. The loss of a step is
/// normalised by the supervised tokens of its whole global batch, so that how it is cut into micro-batches does not matter.
/// </summary>
internal static class TrainingLoop
{
    /// <summary>Steps between readings of losses from the device.</summary>
    private const int ReadEverySteps = 10;

    /// <summary>Runs a task to its end.</summary>
    /// <exception cref="TrainingDivergedException">A loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">Stopped on request.</exception>
    public static TrainingSummary Run(
        TrainingTask task, MasterWeightAdamW optimizer, MetricsLog log, Action<ProgressReport> report, CancellationToken cancellationToken)
    {
        var summary = new TrainingSummary();
        using var pending = new PendingSteps();
        using var prefetcher = new Prefetcher<MicroBatch[]>(task.Load, task.TotalSteps, cancellationToken);
        Validate(0);
        for (long step = 0; step < task.TotalSteps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var started = Stopwatch.GetTimestamp();
            var learningRate = LearningRateSchedule.At(task.Optimizer, step + 1, task.TotalSteps);
            var batches = prefetcher.Next(cancellationToken);
            var supervised = batches.Sum(batch => (long)batch.SupervisedTokens);
            var losses = Step(task, optimizer, batches, supervised, learningRate);
            summary.Tokens += batches.Sum(batch => (long)batch.Tokens);
            pending.Add(
                new MetricsLine { Step = step + 1, Tokens = summary.Tokens, LearningRate = learningRate },
                losses,
                supervised,
                optimizer.GradientNorm.clone().DetachFromDisposeScope(),
                [.. batches.SelectMany(batch => batch.Sources)]);
            summary.TrainingTime += Stopwatch.GetElapsedTime(started);
            if (pending.Count >= ReadEverySteps || step + 1 == task.TotalSteps)
            {
                Flush();
            }

            Validate(step + 1);
        }

        return summary;

        void Flush()
        {
            var started = Stopwatch.GetTimestamp();
            var lines = pending.Read();
            summary.TrainingTime += Stopwatch.GetElapsedTime(started);
            foreach (var line in lines)
            {
                log.Write(line);
            }

            summary.StepLosses.AddRange(lines.Select(line => line.Loss!.Value));
            Report("training", lines[^1].Step, lines.Average(line => line.Loss));
        }

        void Validate(long step)
        {
            if (task.Validate(step) is not { } result)
            {
                return;
            }

            summary.FirstValidationLoss ??= result.Loss;
            summary.LastValidationLoss = result.Loss;
            log.Write(new MetricsLine
            {
                Step = step,
                Tokens = summary.Tokens,
                ValidationLoss = result.Loss,
                ValidationLossBySource = result.LossBySource,
            });
            Report("validating", step, null);
        }

        void Report(string phase, long step, double? loss) => report(new ProgressReport
        {
            Phase = phase,
            Step = step,
            TotalSteps = task.TotalSteps,
            Tokens = summary.Tokens,
            Loss = loss,
            ValidationLoss = summary.LastValidationLoss,
            TokensPerSecond = summary.TokensPerSecond,
        });
    }

    /// <summary>One optimizer step; gives the summed loss of every sample, [samples].</summary>
    private static Tensor Step(TrainingTask task, MasterWeightAdamW optimizer, MicroBatch[] batches, long supervised, double learningRate)
    {
        using var scope = NewDisposeScope();
        var losses = new List<Tensor>(batches.Length);
        foreach (var batch in batches)
        {
            using var microScope = NewDisposeScope();
            var sampleLosses = task.SampleLosses(batch);
            sampleLosses.sum().Times(1.0 / supervised).backward();
            losses.Add(sampleLosses.detach().MoveToOuterDisposeScope());
            if (batches.Length > 1)
            {
                optimizer.Accumulate();
            }
        }

        optimizer.Step(learningRate);
        return (losses.Count == 1 ? losses[0] : cat(losses)).DetachFromDisposeScope();
    }
}

/// <summary>What came of a training loop.</summary>
internal sealed class TrainingSummary
{
    /// <summary>Losses of every step, in nats per supervised token.</summary>
    public List<double> StepLosses { get; } = [];

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; set; }

    /// <summary>Time in training steps, validation left out.</summary>
    public TimeSpan TrainingTime { get; set; }

    /// <summary>Validation loss before the first step, where there is validation.</summary>
    public double? FirstValidationLoss { get; set; }

    /// <summary>The last validation loss.</summary>
    public double? LastValidationLoss { get; set; }

    /// <summary>Mean throughput so far.</summary>
    public double TokensPerSecond => TrainingTime > TimeSpan.Zero ? Tokens / TrainingTime.TotalSeconds : 0;

    /// <summary>Mean loss over the last twentieth of the steps (at least one): a single step's loss is noise.</summary>
    public double FinalLoss => StepLosses.TakeLast(Math.Max(1, StepLosses.Count / 20)).DefaultIfEmpty(double.NaN).Average();
}
