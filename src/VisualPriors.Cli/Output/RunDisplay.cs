using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>Hears what a run does, one call after another.</summary>
internal interface IRunObserver
{
    /// <summary>A stage's trainer starts.</summary>
    public void OnStarted(ExperimentStage stage);

    /// <summary>A stage's trainer reports.</summary>
    public void OnProgress(ExperimentStage stage, ProgressReport report);

    /// <summary>A stage is finished, or was found so.</summary>
    public void OnEnded(ExperimentStage stage, StageRecord record);
}

/// <summary>Shows a run while it goes on.</summary>
internal abstract class RunDisplay
{
    /// <summary>Bars on a terminal, lines elsewhere, JSON where it was asked for.</summary>
    public static RunDisplay For(CliOutput cli) =>
        cli.IsJson ? new JsonRunDisplay(cli)
        : cli.IsTerminal ? new LiveRunDisplay(cli.Console)
        : new PlainRunDisplay(cli.Out, PlainRunDisplay.DefaultInterval);

    /// <summary>Shows what <paramref name="run"/> tells its observer.</summary>
    public abstract Task<RunRecord> ShowAsync(Experiment experiment, Func<IRunObserver, Task<RunRecord>> run);
}
