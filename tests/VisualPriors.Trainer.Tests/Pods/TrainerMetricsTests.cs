using System.Globalization;
using System.Net;
using System.Text;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Pods;

namespace VisualPriors.Trainer.Tests.Pods;

public sealed class TrainerMetricsTests
{
    private const string Labels = """{namespace="lab",kind="PretrainRun",run="decoder"}""";
    private readonly HandClock _clock = new();

    [Fact]
    public async Task What_is_not_known_is_absent_rather_than_0()
    {
        var metrics = new TrainerMetrics(new RunName("lab", "PretrainRun", "decoder"), attempt: 3, _clock);
        Assert.Equal([("visualpriors_training_attempt", 3)], await ValuesAsync(metrics));

        metrics.Update(new ProgressReport { Phase = "loading", Step = 0, TotalSteps = 0 });

        Assert.Equal([("visualpriors_training_attempt", 3)], await ValuesAsync(metrics));
    }

    [Fact]
    public async Task Reports_become_values_and_two_of_them_the_time_of_a_step()
    {
        var metrics = new TrainerMetrics(new RunName("lab", "PretrainRun", "decoder"), attempt: null, _clock);
        metrics.Update(new ProgressReport
        {
            Phase = "training", Step = 10, TotalSteps = 100, Tokens = 1280, Loss = 4.5, ValidationLoss = 5, TokensPerSecond = 640,
            SkippedSteps = 1, CheckpointStep = 5, Accuracy = 0.25,
        });
        _clock.Now += TimeSpan.FromSeconds(5);
        metrics.Update(new ProgressReport { Phase = "training", Step = 20, TotalSteps = 100, Loss = 4.25, CheckpointStep = 5 });
        _clock.Now += TimeSpan.FromSeconds(2);

        Assert.Equal(
            new Dictionary<string, double>
            {
                ["visualpriors_training_step"] = 20,
                ["visualpriors_training_total_steps"] = 100,
                ["visualpriors_training_tokens"] = 1280,
                ["visualpriors_training_tokens_per_second"] = 640,
                ["visualpriors_training_step_seconds"] = 0.5,
                ["visualpriors_training_loss"] = 4.25,
                ["visualpriors_training_validation_loss"] = 5,
                ["visualpriors_training_accuracy"] = 0.25,
                ["visualpriors_training_skipped_steps"] = 1,
                ["visualpriors_training_checkpoint_step"] = 5,
                ["visualpriors_training_checkpoint_age_seconds"] = 7,
            },
            (await ValuesAsync(metrics)).ToDictionary(value => value.Name, value => value.Value));
    }

    [Fact]
    public async Task A_new_checkpoint_is_new_and_validation_is_no_slow_step()
    {
        var metrics = new TrainerMetrics(new RunName("lab", "PretrainRun", "decoder"), attempt: null, _clock);
        metrics.Update(new ProgressReport { Phase = "training", Step = 10, TotalSteps = 100, CheckpointStep = 5 });
        _clock.Now += TimeSpan.FromSeconds(100);
        metrics.Update(new ProgressReport { Phase = "validating", Step = 10, TotalSteps = 100, CheckpointStep = 10 });
        _clock.Now += TimeSpan.FromSeconds(1);
        metrics.Update(new ProgressReport { Phase = "training", Step = 11, TotalSteps = 100, CheckpointStep = 10 });

        var values = (await ValuesAsync(metrics)).ToDictionary(value => value.Name, value => value.Value);

        Assert.Equal(1, values["visualpriors_training_checkpoint_age_seconds"]);
        Assert.DoesNotContain("visualpriors_training_step_seconds", values.Keys);
    }

    [Fact]
    public async Task The_endpoint_serves_metrics_and_health_and_nothing_else()
    {
        var metrics = new TrainerMetrics(new RunName("lab", "PretrainRun", "decoder"), attempt: 2, _clock);
        var port = ReportServer.FreePort();
        await using var endpoint = MetricsEndpoint.TryStart(port, metrics.Registry, _ => { });
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        Assert.Contains($"visualpriors_training_attempt{Labels} 2", await client.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal("ok\n", await client.GetStringAsync("/healthz"));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync("/metrics", null)).StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_of_and_no_more()
    {
        var metrics = new TrainerMetrics(new RunName("lab", "PretrainRun", "decoder"), null, _clock);
        var port = ReportServer.FreePort();
        await using var first = MetricsEndpoint.TryStart(port, metrics.Registry, _ => { });
        var log = new List<string>();

        Assert.Null(MetricsEndpoint.TryStart(port, metrics.Registry, log.Add));

        Assert.Contains($"port {port}", Assert.Single(log), StringComparison.Ordinal);
    }

    private static async Task<List<(string Name, double Value)>> ValuesAsync(TrainerMetrics metrics)
    {
        using var memory = new MemoryStream();
        await metrics.Registry.CollectAndExportAsTextAsync(memory);
        var lines = Encoding.UTF8.GetString(memory.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').ToList();
        Assert.All(lines, line => Assert.Contains(Labels, line, StringComparison.Ordinal));
        return [.. lines.Select(line => (line[..line.IndexOf('{', StringComparison.Ordinal)], double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture)))];
    }

    private sealed class HandClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
