using System.Collections.Concurrent;
using Spectre.Console;
using Spectre.Console.Rendering;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>A progress bar per stage.</summary>
internal sealed class LiveRunDisplay(IAnsiConsole console) : RunDisplay, IRunObserver
{
    private const int PercentTimeAndGaps = 4 + 8 + 5;
    private readonly Dictionary<ExperimentStage, ProgressTask> _bars = new(ReferenceEqualityComparer.Instance);
    private readonly WordsColumn _words = new();

    /// <inheritdoc/>
    public override Task<RunRecord> ShowAsync(Experiment experiment, Func<IRunObserver, Task<RunRecord>> run) =>
        console.Progress()
            .AutoClear(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = IsNarrow ? 8 : 24 },
                new PercentageColumn(),
                new RemainingTimeColumn(),
                _words)
            .StartAsync(context =>
            {
                foreach (var stage in experiment.Stages)
                {
                    var bar = context.AddTask(Markup.Escape(StageText.Title(stage)), autoStart: false, maxValue: Math.Max(1, stage.Steps));
                    _bars.Add(stage, bar);
                    Say(stage, "waiting");
                }

                return run(this);
            });

    /// <inheritdoc/>
    public void OnStarted(ExperimentStage stage)
    {
        _bars[stage].StartTask();
        Say(stage, "starting");
    }

    /// <inheritdoc/>
    public void OnProgress(ExperimentStage stage, ProgressReport report)
    {
        var bar = _bars[stage];
        bar.MaxValue = Math.Max(1, report.TotalSteps);
        // A bar that reaches its end stops its clock: the end is OnEnded's to tell.
        bar.Value = Math.Min(report.Step, bar.MaxValue - 1e-3);
        Say(stage, StageText.Progress(report));
    }

    /// <inheritdoc/>
    public void OnEnded(ExperimentStage stage, StageRecord record)
    {
        var bar = _bars[stage];
        if (!bar.IsStarted)
        {
            bar.StartTask();
        }

        bar.Value = bar.MaxValue;
        Say(stage, StageText.End(stage, record));
    }

    private bool IsNarrow => console.Profile.Width < 110;

    private void Say(ExperimentStage stage, string words)
    {
        // A line that does not fit would push the other columns together: its end is cut off.
        var taken = _bars.Keys.Max(other => StageText.Title(other).Length) + (IsNarrow ? 8 : 24) + PercentTimeAndGaps;
        var room = Math.Max(1, console.Profile.Width - taken);
        _words.Say(_bars[stage], words.Length <= room ? words : words[..(room - 1)] + "…");
    }

    /// <summary>What a stage last said.</summary>
    private sealed class WordsColumn : ProgressColumn
    {
        private readonly ConcurrentDictionary<int, string> _words = new();

        protected override bool NoWrap => true;

        public void Say(ProgressTask task, string words) => _words[task.Id] = words;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(_words.GetValueOrDefault(task.Id, ""));
    }
}
