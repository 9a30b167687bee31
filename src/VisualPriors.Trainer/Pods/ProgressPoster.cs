using System.Net;
using System.Net.Http.Headers;
using System.Threading.Channels;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Pods;

/// <summary>How often a poster speaks, and how long it waits.</summary>
internal sealed record PosterPatience
{
    /// <summary>Shortest time between two reports.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for one report, answer included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest pause that an operator may ask for.</summary>
    public TimeSpan MaximumPause { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Shortest time between two lines about errors.</summary>
    public TimeSpan ErrorInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Time for the last report when all is over.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// Posts rank 0's progress to the operator: the latest report only, never one that a later one has made old. Nobody waits for it, and nothing that happens to
/// a report is more than a line in the log.
/// </summary>
internal sealed class ProgressPoster : IAsyncDisposable
{
    private readonly Uri _address;
    private readonly string? _tokenFile;
    private readonly PosterPatience _patience;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly HttpClient _client;
    private readonly Channel<ProgressReport> _latest =
        Channel.CreateBounded<ProgressReport>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _posting;
    private long? _lastError;

    /// <summary>Begins to post what <see cref="Post"/> is given.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="tokenFile">File with the bearer token; null for none.</param>
    /// <param name="patience">How often, and how long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Takes a line when reports fail, now and then.</param>
    public ProgressPoster(Uri address, string? tokenFile, PosterPatience patience, TimeProvider time, Action<string> log)
    {
        (_address, _tokenFile, _patience, _time, _log) = (address, tokenFile, patience, time, log);
        _client = new HttpClient(new SocketsHttpHandler
        {
            // The token is for this address alone.
            AllowAutoRedirect = false,
            UseCookies = false,
            // The operator's leader moves from pod to pod.
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        })
        {
            Timeout = patience.Timeout,
        };
        _posting = Task.Run(RunAsync);
    }

    /// <summary>Takes a report; returns at once.</summary>
    public void Post(ProgressReport report) => _latest.Writer.TryWrite(report);

    /// <summary>Sends what is left, if that is done in a moment, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _latest.Writer.TryComplete();
        _over.CancelAfter(_patience.Farewell);
        await _ending.CancelAsync().ConfigureAwait(false);
        await _posting.ConfigureAwait(false);
        _client.Dispose();
        _ending.Dispose();
        _over.Dispose();
    }

    private async Task RunAsync()
    {
        ProgressReport? unsent = null;
        while (!_over.IsCancellationRequested && (unsent is not null && !_ending.IsCancellationRequested || await _latest.Reader.WaitToReadAsync().ConfigureAwait(false)))
        {
            if (_latest.Reader.TryRead(out var newer))
            {
                unsent = newer;
            }

            var (isDone, pause) = await TryPostAsync(unsent!).ConfigureAwait(false);
            unsent = isDone ? null : unsent;
            try
            {
                await Task.Delay(pause, _time, _ending.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The last report goes without delay.
            }
        }
    }

    /// <summary>Posts a report.</summary>
    /// <returns>Whether it need not be sent again, and how long to pause.</returns>
    private async Task<(bool IsDone, TimeSpan Pause)> TryPostAsync(ProgressReport report)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = new ByteArrayContent(PlanJson.WriteReport(report)) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            if (_tokenFile is not null)
            {
                var token = await File.ReadAllTextAsync(_tokenFile, _over.Token).ConfigureAwait(false);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
            }

            using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _over.Token).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
            {
                return (true, _patience.Interval);
            }

            Complain($"{_address} answered {(int)answer.StatusCode}");
            var isBusy = answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable;
            // What it refuses it would refuse again; the next report may fare better (another token, a new rule).
            return (!isBusy && (int)answer.StatusCode < 500, isBusy ? PauseOf(answer.Headers.RetryAfter) : _patience.Interval);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException or FormatException)
        {
            if (!_over.IsCancellationRequested)
            {
                Complain(e is OperationCanceledException ? $"{_address} did not answer within {_patience.Timeout.TotalSeconds:0.#} s" : e.Message);
            }

            return (false, _patience.Interval);
        }
    }

    private TimeSpan PauseOf(RetryConditionHeaderValue? asked)
    {
        var pause = asked?.Delta ?? asked?.Date - _time.GetUtcNow() ?? TimeSpan.Zero;
        return pause < _patience.Interval ? _patience.Interval : pause > _patience.MaximumPause ? _patience.MaximumPause : pause;
    }

    private void Complain(string problem)
    {
        if (_lastError is not { } last || _time.GetElapsedTime(last) >= _patience.ErrorInterval)
        {
            _lastError = _time.GetTimestamp();
            _log($"progress could not be reported: {problem}");
        }
    }
}
