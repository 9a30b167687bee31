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
    private string? _lastPhase;

    /// <inheritdoc/>
    public override Task<RunRecord> ShowAsync(Experiment experiment, Func<IRunObserver, Task<RunRecord>> run) => run(this);

    /// <inheritdoc/>
    public void OnStarted(ExperimentStage stage)
    {
        _lastPhase = null;
        Write($"{StageText.Title(stage)}: started");
    }

    /// <inheritdoc/>
    public void OnProgress(ExperimentStage stage, ProgressReport report)
    {
        if (report.Phase == _lastPhase && Stopwatch.GetElapsedTime(_lastLine) < interval)
        {
            return;
        }

        (_lastLine, _lastPhase) = (Stopwatch.GetTimestamp(), report.Phase);
        Write($"{StageText.Title(stage)}: {report.Phase} {report.Step:N0}/{report.TotalSteps:N0}  {StageText.Numbers(report)}".TrimEnd());
    }

    /// <inheritdoc/>
    public void OnEnded(ExperimentStage stage, StageRecord record) => Write(record.Reused
        ? $"{StageText.Title(stage)}: reused, finished already ({stage.Planned.Digest[..12]})"
        : $"{StageText.Title(stage)}: finished in {StageText.Duration(TimeSpan.FromSeconds(record.Seconds))}");

    private void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
