using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Pods;

namespace VisualPriors.Trainer.Tests.Pods;

/// <summary>Progress on its way to an operator that is there, slow, busy, or gone.</summary>
public sealed class ProgressPosterTests : IDisposable
{
    private static readonly PosterPatience Quick = new() { Interval = TimeSpan.FromMilliseconds(20), Timeout = TimeSpan.FromSeconds(30), Farewell = TimeSpan.FromSeconds(30) };
    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-poster-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_report_arrives_with_the_token_that_the_file_holds_at_that_moment()
    {
        await using var server = new ReportServer();
        var token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(token, "first\n");
        await using var poster = Start(server, token);

        poster.Post(Report(1));
        await server.WaitForAsync(1);
        await File.WriteAllTextAsync(token, "second");
        poster.Post(Report(2));
        await server.WaitForAsync(2);

        Assert.Equal([(Report(1), "Bearer first"), (Report(2), "Bearer second")], server.Received);
        Assert.Empty(_log);
    }

    [Fact]
    public async Task Of_many_reports_the_latest_is_sent_and_the_last_one_always()
    {
        await using var server = new ReportServer();
        await using (var poster = Start(server, patience: Quick with { Interval = TimeSpan.FromHours(1) }))
        {
            poster.Post(Report(1));
            await server.WaitForAsync(1);
            for (var step = 2; step <= 1000; step++)
            {
                poster.Post(Report(step));
            }
        }

        Assert.Equal([1, 1000], server.Received.Select(received => received.Report.Step));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task An_operator_that_asks_for_a_pause_gets_it(int status)
    {
        await using var server = new ReportServer((number, answer) =>
        {
            answer.StatusCode = number == 1 ? status : 200;
            answer.Headers["Retry-After"] = "1";
            return Task.CompletedTask;
        });
        await using var poster = Start(server);

        var started = Stopwatch.GetTimestamp();
        poster.Post(Report(1));
        await server.WaitForAsync(2);

        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(900));
        Assert.Equal([1, 1], server.Received.Select(received => received.Report.Step));
    }

    [Fact]
    public async Task What_waits_for_a_busy_operator_when_all_is_over_is_sent_once_more()
    {
        await using var server = new ReportServer((number, answer) =>
        {
            answer.StatusCode = number == 1 ? 429 : 200;
            return Task.CompletedTask;
        });
        await using (var poster = Start(server, patience: Quick with { Interval = TimeSpan.FromHours(1), MaximumPause = TimeSpan.FromHours(1) }))
        {
            poster.Post(Report(1));
            await server.WaitForAsync(1);
        }

        Assert.Equal([1, 1], server.Received.Select(received => received.Report.Step));
    }

    [Fact]
    public async Task A_report_that_is_refused_is_not_sent_again_and_one_that_failed_is_unless_it_is_old()
    {
        await using var server = new ReportServer((number, answer) =>
        {
            answer.StatusCode = number switch { 1 => 403, 2 => 500, _ => 200 };
            return Task.CompletedTask;
        });
        await using var poster = Start(server);

        poster.Post(Report(1));
        await server.WaitForAsync(1);
        await Task.Delay(100);
        poster.Post(Report(2));
        await server.WaitForAsync(3);

        Assert.Equal([1, 2, 2], server.Received.Select(received => received.Report.Step));
    }

    [Fact]
    public async Task Errors_are_told_once_and_never_thrown()
    {
        var nobody = new Uri($"http://127.0.0.1:{ReportServer.FreePort()}/");
        await using (var poster = new ProgressPoster(nobody, null, Quick with { Farewell = TimeSpan.FromMilliseconds(300) }, TimeProvider.System, _log.Enqueue))
        {
            for (var step = 0; step < 20; step++)
            {
                poster.Post(Report(step));
                await Task.Delay(10);
            }
        }

        Assert.Contains("progress could not be reported", Assert.Single(_log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_not_there_yet_is_waited_for()
    {
        await using var server = new ReportServer();
        var token = Path.Combine(_folder, "token");
        await using var poster = Start(server, token);
        poster.Post(Report(1));
        for (var until = DateTime.UtcNow.AddSeconds(60); _log.IsEmpty && DateTime.UtcNow < until;)
        {
            await Task.Delay(5);
        }

        // Whole or not at all, as kubelet does it.
        await File.WriteAllTextAsync($"{token}.new", "late");
        File.Move($"{token}.new", token);
        await server.WaitForAsync(1);

        Assert.Equal("Bearer late", Assert.Single(server.Received).Authorization);
    }

    [Fact]
    public async Task An_operator_that_hangs_holds_nobody_up()
    {
        using var release = new SemaphoreSlim(0);
        await using var server = new ReportServer((_, _) => release.WaitAsync());
        var started = Stopwatch.GetTimestamp();
        await using (var poster = Start(server, patience: Quick with { Farewell = TimeSpan.FromMilliseconds(100) }))
        {
            poster.Post(Report(1));
            await server.WaitForAsync(1);
            poster.Post(Report(2));
        }

        Assert.True(Stopwatch.GetElapsedTime(started) < Quick.Timeout);
        release.Release(10);
    }

    [Fact]
    public async Task A_redirection_is_not_followed_for_the_token_is_not_for_others()
    {
        await using var other = new ReportServer();
        await using var server = new ReportServer((_, answer) =>
        {
            answer.StatusCode = (int)HttpStatusCode.TemporaryRedirect;
            answer.RedirectLocation = other.Address.ToString();
            return Task.CompletedTask;
        });
        await using (var poster = Start(server))
        {
            poster.Post(Report(1));
            await server.WaitForAsync(1);
        }

        Assert.Empty(other.Received);
    }

    private static ProgressReport Report(long step) => new() { Phase = "training", Step = step, TotalSteps = 1000, Loss = 1.5 };

    private ProgressPoster Start(ReportServer server, string? token = null, PosterPatience? patience = null) =>
        new(server.Address, token, patience ?? Quick, TimeProvider.System, _log.Enqueue);
}
