using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using k8s.Models;
using Microsoft.Extensions.Logging;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Progress;

/// <summary>
/// Writes runs' progress into their statuses: of each run the latest report, at most once per interval. Every replica may: progress decides nothing,
/// and its fields have an owner of their own.
/// </summary>
internal sealed partial class ProgressWriter(KubernetesConnection connection, TimeSpan interval, TimeProvider time, ILogger logger)
{
    private const string FieldManager = "visualpriors-progress";
    private const int WritesInFlight = 16;
    private readonly ResourceClient<PretrainRunEntity> _pretrain = new(connection);
    private readonly ResourceClient<AlignRunEntity> _align = new(connection);
    private readonly ResourceClient<SftRunEntity> _sft = new(connection);
    private readonly ResourceClient<EvalRunEntity> _eval = new(connection);
    private readonly ConcurrentDictionary<string, Track> _tracks = new(StringComparer.Ordinal);

    /// <summary>Takes a report; it is written with the next round.</summary>
    /// <returns>False where it comes too soon after this run's last one (<see cref="ReportRate"/>).</returns>
    public bool Offer(RunEntity run, int attempt, ProgressReport report)
    {
        var now = time.GetUtcNow();
        var track = _tracks.GetOrAdd(run.Metadata.Uid, _ => new Track());
        lock (track)
        {
            if (!ReportRate.Allows(report, track.Last, now, interval))
            {
                return false;
            }

            if (track.Attempt != attempt || track.Last?.Report.Phase != report.Phase)
            {
                (track.Attempt, track.Start) = (attempt, (report.Step, now));
            }

            (track.Last, track.IsWritten, track.Run) = ((report, now), false, run);
            return true;
        }
    }

    /// <summary>Writes what came in, until told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            await Parallel.ForEachAsync(
                _tracks,
                new ParallelOptions { MaxDegreeOfParallelism = WritesInFlight, CancellationToken = cancellationToken },
                async (entry, token) => await FlushAsync(entry.Key, entry.Value, token).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private async Task FlushAsync(string uid, Track track, CancellationToken cancellationToken)
    {
        RunEntity run;
        RunProgress progress;
        lock (track)
        {
            if (track.Last is not var (report, taken))
            {
                return;
            }

            if (track.IsWritten)
            {
                if (time.GetUtcNow() - taken > TimeSpan.FromHours(1))
                {
                    _tracks.TryRemove(uid, out _);
                }

                return;
            }

            run = track.Run!;
            progress = ProgressBuilder.Build(report, track.Attempt, track.Written ?? run.Status?.Progress, track.Start, taken);
            (track.IsWritten, track.Written) = (true, progress);
        }

        try
        {
            await WriteAsync(run, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KubernetesApiException or TimeoutException or HttpRequestException or IOException or JsonException)
        {
            LogLost(logger, RunKey.Of(run), e.Message);
            if (IsRefusal(e))
            {
                return;
            }

            // With the next round, unless a newer report has come by then: this may have been the last.
            lock (track)
            {
                track.IsWritten = false;
            }
        }
    }

    /// <summary>Whether the same write would fail again, as for a run that is gone.</summary>
    private static bool IsRefusal(Exception e) => e is KubernetesApiException { StatusCode: >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError }
        and not KubernetesApiException { StatusCode: HttpStatusCode.TooManyRequests };

    private Task WriteAsync(RunEntity run, RunProgress progress, CancellationToken cancellationToken) => run switch
    {
        PretrainRunEntity => ApplyAsync(_pretrain, run, progress, cancellationToken),
        AlignRunEntity => ApplyAsync(_align, run, progress, cancellationToken),
        SftRunEntity => ApplyAsync(_sft, run, progress, cancellationToken),
        EvalRunEntity => ApplyAsync(_eval, run, progress, cancellationToken),
        _ => throw new ArgumentException($"no status for {run.GetType().Name}", nameof(run)),
    };

    private static Task<TEntity> ApplyAsync<TEntity>(ResourceClient<TEntity> client, RunEntity run, RunProgress progress, CancellationToken cancellationToken)
        where TEntity : RunEntity, new() => client.ApplyStatusAsync(
            new TEntity
            {
                ApiVersion = Run.GroupVersion,
                Kind = RunKey.KindOf(run),
                Metadata = new V1ObjectMeta { Name = run.Metadata.Name, NamespaceProperty = run.Metadata.NamespaceProperty, Uid = run.Metadata.Uid },
                Status = new RunStatus { Progress = progress },
            },
            FieldManager,
            cancellationToken: cancellationToken);

    [LoggerMessage(LogLevel.Warning, "Progress of {Run} was not written: {Reason}")]
    private static partial void LogLost(ILogger logger, RunKey run, string reason);

    /// <summary>What is known of a run's reports.</summary>
    private sealed class Track
    {
        public RunEntity? Run { get; set; }

        public int Attempt { get; set; }

        /// <summary>The first step of this attempt and activity that was reported, and when.</summary>
        public (long Step, DateTimeOffset Time) Start { get; set; }

        /// <summary>The report that was taken last, and when.</summary>
        public (ProgressReport Report, DateTimeOffset Time)? Last { get; set; }

        public bool IsWritten { get; set; }

        /// <summary>Written last.</summary>
        public RunProgress? Written { get; set; }
    }
}
