using System.Diagnostics;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary>
/// One rank process. Its standard input is a pipe that this process holds open and never writes to, so that the rank notices when this
/// process is gone, however it went.
/// </summary>
internal sealed class RankProcess : IDisposable
{
    private const int TailLines = 20;
    
    /// <summary>An event with an exception is one long line, and cut off it would be no JSON any more.</summary>
    private const int MaximumLogLine = 1 << 15;

    /// <summary>A process that the rank started may hold its pipes open for ever: that is not waited for.</summary>
    private static readonly TimeSpan PipePatience = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly int _rank;
    private readonly LaunchLog _log;
    private readonly Queue<string> _tail = new();
    private readonly Lock _lock = new();
    private StageOutcome? _outcome;
    private volatile LauncherAction _action;

    private RankProcess(Process process, int rank, LaunchLog log)
    {
        (_process, _rank, _log) = (process, rank, log);
    }

    /// <summary>Starts a rank.</summary>
    /// <param name="start">Program, arguments and environment.</param>
    /// <param name="rank">Its place among all.</param>
    /// <param name="log">Takes its log.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">The program cannot be started.</exception>
    public static RankProcess Start(ProcessStartInfo start, int rank, LaunchLog log)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return new RankProcess(Process.Start(start)!, rank, log);
    }

    /// <summary>Listens to the rank until it has ended.</summary>
    /// <param name="onProgress">Hears its progress.</param>
    public async Task<RankEnd> EndAsync(Action<ProgressReport> onProgress)
    {
        var pipes = Task.WhenAll(
            BoundedLines.ReadAsync(_process.StandardOutput, PlanJson.MaximumMessageLength, line => Hear(line, onProgress)),
            BoundedLines.ReadAsync(_process.StandardError, MaximumLogLine, Log));
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        var action = _action;
        await Task.WhenAny(pipes, Task.Delay(PipePatience, CancellationToken.None)).ConfigureAwait(false);
        lock (_lock)
        {
            return new RankEnd { Rank = _rank, ExitCode = _process.ExitCode, Outcome = _outcome, LastLines = [.. _tail.Select(LaunchLog.Readable)], Action = action };
        }
    }

    /// <summary>Asks it to stop, unless it has ended.</summary>
    public void Ask() => Do(LauncherAction.Asked, () => Signals.Terminate(_process.Id));

    /// <summary>Kills it with all that it started, unless it has ended.</summary>
    public void Kill() => Do(LauncherAction.Killed, () => _process.Kill(entireProcessTree: true));

    /// <summary>Lets the process go, killed if it is still there.</summary>
    public void Dispose()
    {
        Kill();
        _process.StandardInput.Dispose();
        _process.Dispose();
    }

    private void Do(LauncherAction action, Action act)
    {
        if (!_process.HasExited)
        {
            _action = action;
            act();
        }
    }

    private void Hear(string line, Action<ProgressReport> onProgress)
    {
        if (!PlanJson.TryReadLine(line, out var message))
        {
            // Native libraries print where they like: it belongs to the log.
            Log($"(standard output) {(line.Length <= MaximumLogLine ? line : line[..MaximumLogLine] + " [...]")}");
        }
        else if (message.Progress is { } progress)
        {
            onProgress(progress);
        }
        else
        {
            lock (_lock)
            {
                _outcome = message.Outcome;
            }
        }
    }

    private void Log(string line)
    {
        _log.Pass(_rank, line);
        lock (_lock)
        {
            _tail.Enqueue(line);
            if (_tail.Count > TailLines)
            {
                _tail.Dequeue();
            }
        }
    }
}
