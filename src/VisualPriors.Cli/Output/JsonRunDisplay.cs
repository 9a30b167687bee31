using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>A JSON line per event.</summary>
internal sealed class JsonRunDisplay(CliOutput cli) : RunDisplay, IRunObserver
{
    /// <inheritdoc/>
    public override Task<RunRecord> ShowAsync(Experiment experiment, Func<IRunObserver, Task<RunRecord>> run)
    {
        Write(new RunEvent { Event = "planned", Stages = StageSummary.Of(experiment) });
        return run(this);
    }

    /// <inheritdoc/>
    public void OnStarted(ExperimentStage stage) => Write(new RunEvent { Event = "started", Run = stage.Name, Kind = stage.Kind });

    /// <inheritdoc/>
    public void OnProgress(ExperimentStage stage, ProgressReport report) =>
        Write(new RunEvent { Event = "progress", Run = stage.Name, Kind = stage.Kind, Progress = report });

    /// <inheritdoc/>
    public void OnEnded(ExperimentStage stage, StageRecord record) => Write(new RunEvent { Event = "ended", Stage = record });

    private void Write(RunEvent runEvent) => cli.WriteJson(runEvent, CliJson.Line.RunEvent);
}
