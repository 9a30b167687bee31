using Prometheus;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Pods;

/// <summary>A run's progress as Prometheus metrics. What is not known yet is not there, rather than 0.</summary>
internal sealed class TrainerMetrics
{
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Gauge _step;
    private readonly Gauge _totalSteps;
    private readonly Gauge _tokens;
    private readonly Gauge _tokensPerSecond;
    private readonly Gauge _stepSeconds;
    private readonly Gauge _loss;
    private readonly Gauge _validationLoss;
    private readonly Gauge _accuracy;
    private readonly Gauge _skippedSteps;
    private readonly Gauge _checkpointStep;
    private readonly Gauge _checkpointAge;
    private (long Step, long At)? _lastStep;
    private (long Step, long At)? _checkpoint;

    /// <summary>Registers the metrics.</summary>
    /// <param name="run">Whose they are, on every one of them.</param>
    /// <param name="attempt">Number of the attempt, where somebody counts them.</param>
    /// <param name="time">The clock.</param>
    public TrainerMetrics(RunName run, long? attempt, TimeProvider time)
    {
        _time = time;
        Registry = Metrics.NewCustomRegistry();
        Registry.SetStaticLabels(new Dictionary<string, string> { ["namespace"] = run.Namespace, ["kind"] = run.Kind, ["run"] = run.Name });
        var factory = Metrics.WithCustomRegistry(Registry);
        _step = Gauge("step", "Steps (training) or questions (scoring) done.");
        _totalSteps = Gauge("total_steps", "Steps or questions in all.");
        _tokens = Gauge("tokens", "Tokens trained on so far.");
        _tokensPerSecond = Gauge("tokens_per_second", "Tokens per second since the report before.");
        _stepSeconds = Gauge("step_seconds", "Seconds per step, between the last two reports of training.");
        _loss = Gauge("loss", "Mean training loss per supervised token since the report before, in nats.");
        _validationLoss = Gauge("validation_loss", "Last validation loss, in nats per token.");
        _accuracy = Gauge("accuracy", "Share of questions answered right so far.");
        _skippedSteps = Gauge("skipped_steps", "Updates left out so far because a loss or gradient was not finite.");
        _checkpointStep = Gauge("checkpoint_step", "Step of the last checkpoint that is whole.");
        _checkpointAge = Gauge("checkpoint_age_seconds", "Seconds since the last whole checkpoint was first reported.");
        var attempts = Gauge("attempt", "Number of the attempt at the stage, from 1.");
        Set(attempts, attempt);
        Registry.AddBeforeCollectCallback(SetAge);

        Gauge Gauge(string name, string help) =>
            factory.CreateGauge("visualpriors_training_" + name, help, new GaugeConfiguration { SuppressInitialValue = true });
    }

    /// <summary>The metrics, to be scraped.</summary>
    public CollectorRegistry Registry { get; }

    /// <summary>Takes a report.</summary>
    public void Update(ProgressReport report)
    {
        lock (_lock)
        {
            // Before its first step a stage cannot say how many there are.
            Set(_step, report.TotalSteps > 0 ? report.Step : null);
            Set(_totalSteps, report.TotalSteps > 0 ? report.TotalSteps : null);
            Set(_tokens, report.Tokens);
            Set(_tokensPerSecond, report.TokensPerSecond);
            Set(_loss, report.Loss);
            Set(_validationLoss, report.ValidationLoss);
            Set(_accuracy, report.Accuracy);
            Set(_skippedSteps, report.SkippedSteps);
            Set(_checkpointStep, report.CheckpointStep);
            if (report.CheckpointStep is { } step && step != _checkpoint?.Step)
            {
                _checkpoint = (step, _time.GetTimestamp());
            }

            Set(_stepSeconds, SecondsPerStep(report));
        }
    }

    /// <summary>Only between two reports of plain work: validating and saving would pass for slow steps.</summary>
    private double? SecondsPerStep(ProgressReport report)
    {
        var before = _lastStep;
        if (report.Phase is not ("training" or "scoring"))
        {
            _lastStep = null;
            return null;
        }

        var now = _time.GetTimestamp();
        _lastStep = (report.Step, now);
        return before is { } last && report.Step > last.Step ? _time.GetElapsedTime(last.At, now).TotalSeconds / (report.Step - last.Step) : null;
    }

    private void SetAge()
    {
        lock (_lock)
        {
            Set(_checkpointAge, _checkpoint is { } checkpoint ? _time.GetElapsedTime(checkpoint.At).TotalSeconds : null);
        }
    }

    private static void Set(Gauge gauge, double? value)
    {
        if (value is { } known)
        {
            gauge.Set(known);
        }
    }
}
