using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Output;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Tests.Output;

public sealed class PlainRunDisplayTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Within_the_interval_only_a_phases_first_and_last_reports_are_shown()
    {
        var lines = await Show(TimeSpan.MaxValue, Report("loading", 0), Report("training", 1), Report("training", 2), Report("training", 40));

        Assert.Equal(
            [
                "pretrain decoder: started",
                "pretrain decoder: loading 0/40  loss 4.0000  9,876 tokens/s",
                "pretrain decoder: training 1/40  loss 4.0000  9,876 tokens/s",
                "pretrain decoder: training 40/40  loss 4.0000  9,876 tokens/s",
                "pretrain decoder: finished in 1:01:01",
            ],
            lines);
    }

    [Fact]
    public async Task After_the_interval_a_report_is_shown_with_the_time_left()
    {
        var lines = await Show(TimeSpan.Zero, Report("training", 1), Report("training", 39));

        Assert.Matches(@"training 39/40  loss .* 0:00 left$", lines[2]);
    }

    private static ProgressReport Report(string phase, long step) =>
        new() { Phase = phase, Step = step, TotalSteps = 40, Loss = 4, TokensPerSecond = 9876 };

    private async Task<string[]> Show(TimeSpan interval, params ProgressReport[] reports)
    {
        using var output = new StringWriter();
        var experiment = ExperimentLoader.Load(_experiment.Manifest, _experiment.Data, _experiment.Output, default);
        await new PlainRunDisplay(output, interval).ShowAsync(experiment, observer =>
        {
            observer.OnStarted(experiment.Stages[0]);
            foreach (var report in reports)
            {
                observer.OnProgress(experiment.Stages[0], report);
            }

            observer.OnEnded(experiment.Stages[0], new StageRecord { Run = "", Kind = "", Digest = "", Artifact = "", Seconds = 3661 });
            return Task.FromResult(new RunRecord { Stages = [] });
        });
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
