using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary>How long a launcher waits for what.</summary>
internal sealed record LaunchPatience
{
    /// <summary>From asking ranks to stop, because the launcher was asked to, to killing them: they save meanwhile.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>From a collective's failure on one rank to the end of all: the rank that caused it may be about to say so.</summary>
    public TimeSpan Attribution { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>From asking ranks to stop, because another failed, to killing them.</summary>
    public TimeSpan Ending { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Runs the rank processes of one node: all or none of them, to one outcome.</summary>
/// <param name="command">How to start a rank.</param>
/// <param name="patience">How long to wait for what.</param>
/// <param name="log">Takes everything for people.</param>
/// <param name="onProgress">Hears rank 0's progress.</param>
internal sealed class Launcher(RankCommand command, LaunchPatience patience, LaunchLog log, Action<ProgressReport> onProgress)
{
    /// <summary>Starts the ranks, watches over them, and returns when every one of them is gone.</summary>
    /// <param name="planPath">The plan's file.</param>
    /// <param name="layout">The node's processes.</param>
    /// <param name="stop">Asks the ranks to save and stop.</param>
    public async Task<StageOutcome> RunAsync(string planPath, NodeLayout layout, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var ranks = new List<RankProcess>();
        try
        {
            log.Say($"{layout.LocalSize} of {layout.WorldSize} ranks on node {layout.NodeRank}");
            for (var local = 0; local < layout.LocalSize; local++)
            {
                ranks.Add(RankProcess.Start(StartOf(planPath, layout, local), layout.RankOf(local), log));
            }

            var ends = Channel.CreateUnbounded<RankEnd>();
            for (var local = 0; local < layout.LocalSize; local++)
            {
                var isFirst = layout.RankOf(local) == 0;
                _ = ReportEndAsync(ranks[local], isFirst, ends.Writer);
            }

            var watch = new Watch(ranks, ends.Reader, patience, log);
            await watch.RunAsync(stop).ConfigureAwait(false);
            return RootCause.Of(layout, watch.Ends, watch.IsStopped, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        catch (Win32Exception e)
        {
            var message = $"rank {layout.RankOf(ranks.Count)} cannot be started: {e.Message}";
            return new StageOutcome
            {
                Result = StageResult.Failed,
                Message = message,
                Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
                Failure = new StageFailure { Rank = layout.RankOf(ranks.Count), Node = layout.NodeRank, Message = message },
            };
        }
        finally
        {
            foreach (var rank in ranks)
            {
                rank.Dispose();
            }
        }
    }

    private ProcessStartInfo StartOf(string planPath, NodeLayout layout, int localRank)
    {
        var start = new ProcessStartInfo(command.FileName, [.. command.Arguments, "run", "--plan", planPath]);
        foreach (var (name, value) in layout.EnvironmentOf(localRank))
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        return start;
    }

    private async Task ReportEndAsync(RankProcess rank, bool isFirst, ChannelWriter<RankEnd> ends)
    {
        try
        {
            await ends.WriteAsync(await rank.EndAsync(isFirst ? onProgress : _ => { }).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whoever waits for this rank is to hear of it instead of waiting for ever.
            ends.TryComplete(e);
        }
    }

    /// <summary>What happens from start to end of the ranks of one launch.</summary>
    private sealed class Watch(IReadOnlyList<RankProcess> ranks, ChannelReader<RankEnd> reader, LaunchPatience patience, LaunchLog log)
    {
        private readonly List<RankEnd> _ends = [];

        /// <summary>The ends so far, in the order of time.</summary>
        public IReadOnlyList<RankEnd> Ends => _ends;

        /// <summary>Whether the ranks were asked to stop because the launcher (or a rank) was, not because one of them failed.</summary>
        public bool IsStopped { get; private set; }

        /// <summary>Waits until all have ended or one gives reason to end the others; then ends them.</summary>
        public async Task RunAsync(CancellationToken stop)
        {
            await TakeAsync(() => _ends.Exists(end => end.Result != StageResult.Succeeded), stop).ConfigureAwait(false);
            if (_ends.Count == ranks.Count)
            {
                return;
            }

            if (!stop.IsCancellationRequested && _ends.Exists(end => end.Result == StageResult.PeerLost))
            {
                log.Say($"rank {_ends[^1].Rank} lost another rank; waiting for that one to end by itself");
                using var attribution = CancellationTokenSource.CreateLinkedTokenSource(stop);
                attribution.CancelAfter(patience.Attribution);
                await TakeAsync(() => _ends.Exists(end => end.Result is not (StageResult.Succeeded or StageResult.PeerLost)), attribution.Token).ConfigureAwait(false);
            }

            var failed = _ends.Find(end => end.Result is not (StageResult.Succeeded or StageResult.Interrupted));
            IsStopped = failed is null;
            log.Say(failed is null ? "asking the ranks to stop" : $"ending the others: rank {failed.Rank} ended with exit code {failed.ExitCode}");
            foreach (var rank in ranks)
            {
                rank.Ask();
            }

            using (var deadline = new CancellationTokenSource(IsStopped ? patience.Grace : patience.Ending))
            {
                await TakeAsync(() => false, deadline.Token).ConfigureAwait(false);
            }

            foreach (var rank in ranks)
            {
                rank.Kill();
            }

            await TakeAsync(() => false, CancellationToken.None).ConfigureAwait(false);
        }

        /// <summary>Takes ends until all are there, or <paramref name="isEnough"/>, or <paramref name="until"/>.</summary>
        private async Task TakeAsync(Func<bool> isEnough, CancellationToken until)
        {
            try
            {
                while (_ends.Count < ranks.Count && !isEnough())
                {
                    _ends.Add(await reader.ReadAsync(until).ConfigureAwait(false));
                }
            }
            catch (OperationCanceledException) when (until.IsCancellationRequested)
            {
                // The time for this is over; the caller goes on to the next thing.
            }
        }
    }
}
