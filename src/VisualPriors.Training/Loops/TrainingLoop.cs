using System.Diagnostics;
using VisualPriors.Api.Plans;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Torch;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Checkpoints;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Loops;

/// <summary>
/// The loop that every training stage runs: load, forward and backward per micro-batch, one optimizer step. The loss of a step is
/// normalised by the supervised tokens of its whole global batch, so that how it is cut does not matter. All
/// ranks take the same decisions at the same steps: to stop, to save, to go back.
/// </summary>
internal sealed class TrainingLoop : IDisposable
{
    /// <summary>Steps between readings of losses from the device.</summary>
    private const int ReadEverySteps = 10;

    private readonly TrainingTask _task;
    private readonly ShardedAdamW _optimizer;
    private readonly World _world;
    private readonly Checkpointer? _checkpointer;
    private readonly Action<ProgressReport> _report;
    private readonly PendingSteps _pending = new();
    private readonly LossProtection _protection;
    private readonly Stopwatch _training = new();
    private Prefetcher<MicroBatch[]>? _prefetcher;
    private CheckpointPosition _position = new() { Step = 0, Batch = 0, Tokens = 0, SkippedSteps = 0, Rollbacks = 0 };
    private long _tokensBefore; // of earlier attempts

    /// <summary>Prepares a loop.</summary>
    /// <param name="task">What to do.</param>
    /// <param name="optimizer">Holds what is trained.</param>
    /// <param name="world">The ranks.</param>
    /// <param name="checkpointer">Saves and restores; null where nothing is saved.</param>
    /// <param name="report">Told how far the loop is.</param>
    public TrainingLoop(TrainingTask task, ShardedAdamW optimizer, World world, Checkpointer? checkpointer, Action<ProgressReport> report)
    {
        (_task, _optimizer, _world, _checkpointer, _report) = (task, optimizer, world, checkpointer, report);
        _protection = new LossProtection(task.LossProtection);
    }

    /// <summary>Every step and validation so far, those of earlier attempts too.</summary>
    public MetricsLog Log { get; } = new();

    /// <summary>Runs the task to its end, from the last checkpoint where there is one.</summary>
    /// <exception cref="TrainingDivergedException">Losses go wrong more often than the run allows.</exception>
    /// <exception cref="TrainingInterruptedException">Stopped on request; the state was saved where there is a checkpointer.</exception>
    /// <exception cref="CollectiveException">Another rank is gone.</exception>
    public TrainingSummary Run(CancellationToken stop)
    {
        if (_checkpointer?.TryRestore(_optimizer, Log) is { } position)
        {
            Resume(position);
        }
        else
        {
            Validate();
        }

        while (_position.Step < _task.TotalSteps)
        {
            _prefetcher ??= new Prefetcher<MicroBatch[]>(_task.Load, _position.Batch, _task.TotalSteps - _position.Step);
            var batches = _prefetcher.Next(CancellationToken.None); // stopping is agreed on first
            var agreed = StepAgreement.Reach(
                _world.Steps,
                new StepAgreement(batches.Sum(batch => (long)batch.SupervisedTokens), batches.Sum(batch => (long)batch.Tokens), stop.IsCancellationRequested));
            if (agreed.Stop)
            {
                throw Interrupt();
            }

            _training.Start();
            Step(batches, agreed);
            _training.Stop();
            var savesNow = _checkpointer?.IsDue(_position.Step) == true;
            var isRead = savesNow || _pending.Count >= ReadEverySteps || _position.Step == _task.TotalSteps || _task.IsValidationDue(_position.Step);
            if (isRead && !TryRead())
            {
                continue;
            }

            Validate();
            if (savesNow)
            {
                _checkpointer!.Save(_position, Log, _optimizer);
            }
        }

        _checkpointer?.Complete();
        return new TrainingSummary(Log.Lines, _position.Tokens, TokensPerSecond, _position.SkippedSteps, _position.Rollbacks);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _prefetcher?.Dispose();
        _pending.Dispose();
    }

    private double TokensPerSecond =>
        _training.Elapsed > TimeSpan.Zero ? (_position.Tokens - _tokensBefore) / _training.Elapsed.TotalSeconds : 0;

    /// <summary>One optimizer step.</summary>
    private void Step(MicroBatch[] batches, StepAgreement agreed)
    {
        using var scope = NewDisposeScope();
        var step = _position.Step + 1;
        _world.FlightRecorder.Step = step;
        var losses = new List<Tensor>(batches.Length);
        for (var i = 0; i < batches.Length; i++)
        {
            using var microScope = NewDisposeScope();
            var sampleLosses = _task.SampleLosses(batches[i]);
            _optimizer.Backward(sampleLosses.sum().Times(1.0 / agreed.SupervisedTokens), isLast: i == batches.Length - 1);
            losses.Add(sampleLosses.detach().MoveToOuterDisposeScope());
        }

        var learningRate = LearningRateSchedule.At(_task.Optimizer, step, _task.TotalSteps);
        _optimizer.Step(learningRate);
        _position = _position with { Step = step, Batch = _position.Batch + 1, Tokens = _position.Tokens + agreed.Tokens };
        _pending.Add(
            new MetricsLine { Step = step, Tokens = _position.Tokens, LearningRate = learningRate },
            (losses.Count == 1 ? losses[0] : cat(losses)).DetachFromDisposeScope(),
            agreed.SupervisedTokens,
            _optimizer.GradientNorm.clone().DetachFromDisposeScope(),
            [.. batches.SelectMany(batch => batch.Sources)]);
    }

    /// <summary>Reads the pending steps' numbers; false where a spike among them made training go back.</summary>
    private bool TryRead()
    {
        _training.Start();
        var lines = _pending.Read(_world.Steps);
        _training.Stop();
        MetricsLine? spike = null;
        foreach (var line in lines)
        {
            Log.Write(line);
            _position = _position with { SkippedSteps = _position.SkippedSteps + (line.Skipped == true ? 1 : 0) };
            spike ??= _protection.IsSpike(line) ? line : null;
        }

        if (spike is not null && TryRollBack(spike))
        {
            return false;
        }

        if (lines.Count > 0)
        {
            Report("training", lines.Where(line => line.Loss is not null).Select(line => line.Loss!.Value).DefaultIfEmpty(double.NaN).Average());
        }

        return true;
    }

    /// <summary>Goes back to the last checkpoint, if there is one, and leaves out every batch since.</summary>
    private bool TryRollBack(MetricsLine spike)
    {
        if (_checkpointer?.HasBegun != true)
        {
            return false;
        }

        if (_position.Rollbacks == _task.LossProtection.MaximumRollbacks)
        {
            throw new TrainingDivergedException(
                $"the loss spikes at step {spike.Step} ({spike.Loss:F4}), after {_position.Rollbacks} rollbacks already", spike.Step);
        }

        var now = _position;
        _checkpointer.Complete();
        if (_checkpointer.TryRestore(_optimizer, Log) is not { } position)
        {
            return false;
        }

        _prefetcher!.Dispose();
        _prefetcher = null;
        Resume(position with { Batch = now.Batch, Rollbacks = now.Rollbacks + 1 });
        Log.Write(new MetricsLine { Step = position.Step, Tokens = position.Tokens, RolledBackFrom = spike.Step });
        return true;
    }

    private void Resume(CheckpointPosition position)
    {
        _pending.Dispose();
        _position = position;
        _tokensBefore = position.Tokens;
        _training.Reset();
        _protection.Restore(Log.Lines);
        Report("resuming", null);
    }

    private TrainingInterruptedException Interrupt()
    {
        TryRead();
        if (_checkpointer is null)
        {
            return new TrainingInterruptedException("stopped on request; nothing was written");
        }

        _checkpointer.SaveBeforeStopping(_position, Log, _optimizer);
        return new TrainingInterruptedException($"stopped on request after step {_position.Step}; its checkpoint is saved");
    }

    private void Validate()
    {
        if (_task.IsValidationDue(_position.Step))
        {
            var result = _task.Validate();
            Log.Write(new MetricsLine
            {
                Step = _position.Step,
                Tokens = _position.Tokens,
                ValidationLoss = result.Loss,
                ValidationLossBySource = result.LossBySource,
            });
            Report("validating", null);
        }
    }

    private void Report(string phase, double? loss) => _report(new ProgressReport
    {
        Phase = phase,
        Step = _position.Step,
        TotalSteps = _task.TotalSteps,
        Tokens = _position.Tokens,
        Loss = loss,
        ValidationLoss = Log.Lines.LastOrDefault(line => line.ValidationLoss is not null)?.ValidationLoss,
        TokensPerSecond = TokensPerSecond,
        SkippedSteps = _position.SkippedSteps,
        Rollbacks = _position.Rollbacks,
        CheckpointStep = _checkpointer?.LastStep,
    });
}
