using System.Diagnostics;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>Lines for a log: one when something begins or ends, and one every few seconds in between.</summary>
internal sealed class PlainRunDisplay(TextWriter output, TimeSpan interval) : RunDisplay, IRunObserver
{
    /// <summary>Time between two lines on the same phase of a stage.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(5);

    private long _lastLine;
    private (string Phase, long Step, long Time)? _phaseStart;

    /// <inheritdoc/>
    public override Task<RunRecord> ShowAsync(Experiment experiment, Func<IRunObserver, Task<RunRecord>> run) => run(this);

    /// <inheritdoc/>
    public void OnStarted(ExperimentStage stage)
    {
        _phaseStart = null;
        Write($"{StageText.Title(stage)}: started");
    }

    /// <inheritdoc/>
    public void OnProgress(ExperimentStage stage, ProgressReport report)
    {
        var isNew = report.Phase != _phaseStart?.Phase;
        if (isNew)
        {
            _phaseStart = (report.Phase, report.Step, Stopwatch.GetTimestamp());
        }

        if (isNew || report.Step == report.TotalSteps || Stopwatch.GetElapsedTime(_lastLine) >= interval)
        {
            _lastLine = Stopwatch.GetTimestamp();
            Write($"{StageText.Title(stage)}: {StageText.Progress(report)}{Remaining(report)}");
        }
    }

    /// <inheritdoc/>
    public void OnEnded(ExperimentStage stage, StageRecord record) => Write($"{StageText.Title(stage)}: {StageText.End(stage, record)}");

    /// <summary>The time that the rest of a phase takes at its pace so far.</summary>
    private string Remaining(ProgressReport report)
    {
        var (_, firstStep, begin) = _phaseStart!.Value;
        var (done, left) = (report.Step - firstStep, report.TotalSteps - report.Step);
        return done > 0 && left > 0 ? $"  {StageText.Duration(Stopwatch.GetElapsedTime(begin) / done * left)} left" : "";
    }

    private void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
