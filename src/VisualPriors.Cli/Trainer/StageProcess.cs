using System.ComponentModel;
using System.Diagnostics;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Storage;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Cli.Trainer;

/// <summary>
/// Runs a stage in trainer processes, as one: a launcher, which starts the ranks. A plan goes down as a file, messages come up as lines
/// of the launcher's standard output, its standard error is the log. Its standard input is a pipe that stays open for as long as this
/// process lives: the trainer ends when it is gone.
/// </summary>
/// <param name="command">How to start a launcher.</param>
/// <param name="grace">
/// How long a launcher that was asked to stop may take before it is killed; unless given, what it gives its ranks and ten seconds more.
/// </param>
internal sealed class StageProcess(TrainerCommand command, TimeSpan? grace = null)
{
    private readonly TimeSpan _grace = grace ?? TrainerEnvironment.Grace(Environment.GetEnvironmentVariable) + TimeSpan.FromSeconds(10);

    /// <summary>Runs a stage to its end.</summary>
    /// <param name="outputDirectory">The run's output folder; plan and log go below it.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="onProgress">Hears of progress, one report after another.</param>
    /// <param name="cancellationToken">Stops the trainer.</param>
    /// <returns>The outcome of a stage whose artifact is there.</returns>
    /// <exception cref="StageFailedException">The stage failed, or the trainer did not keep to the contract.</exception>
    /// <exception cref="OperationCanceledException">Stopped; the trainer has ended and nothing half-written is left.</exception>
    public async Task<StageOutcome> RunAsync(
        string outputDirectory, ExperimentStage stage, Action<ProgressReport> onProgress, CancellationToken cancellationToken)
    {
        var plan = stage.Planned.Plan;
        var planPath = PathBelow(outputDirectory, "plans", $"{stage.Kind}-{stage.Name}.json");
        await File.WriteAllBytesAsync(planPath, PlanJson.Write(plan), cancellationToken).ConfigureAwait(false);
        using var log = new StageLog(PathBelow(outputDirectory, "logs", $"{stage.Kind}-{stage.Name}.log"));

        StageOutcome? outcome = null;
        using var process = Start(planPath, Path.GetDirectoryName(log.Path)!);
        try
        {
            // Closed pipes mean the trainer has said all it has to say; its exit follows.
            var pipes = Task.WhenAll(
                ReadLinesAsync(process.StandardOutput, line => outcome = Hear(line, log, onProgress) ?? outcome),
                ReadLinesAsync(process.StandardError, log.Add));
            using (cancellationToken.Register(() => Signals.Terminate(process.Id)))
            {
                await EndAsync(process, cancellationToken).ConfigureAwait(false);
            }

            // A process that the trainer started may hold its pipes open for ever: that is not waited for.
            await Task.WhenAny(pipes, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None)).ConfigureAwait(false);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }

            ArtifactWriter.RemoveAbandoned(Path.GetDirectoryName(plan.Placement.Output)!);
        }

        if (cancellationToken.IsCancellationRequested && outcome?.Result != StageResult.Succeeded)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        return Judge(stage, outcome, process.ExitCode, log);
    }

    private static string PathBelow(string directory, string folder, string name)
    {
        Directory.CreateDirectory(Path.Combine(directory, folder));
        return Path.Combine(directory, folder, name);
    }

    private static async Task ReadLinesAsync(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            onLine(line);
        }
    }

    private static StageOutcome? Hear(string line, StageLog log, Action<ProgressReport> onProgress)
    {
        if (!PlanJson.TryReadLine(line, out var message))
        {
            // Native libraries print where they like: it belongs to the log.
            log.Add($"(standard output) {line}");
        }
        else if (message.Progress is { } progress)
        {
            onProgress(progress);
        }

        return message.Outcome;
    }

    /// <summary>Turns the end of a trainer into the stage's: only an artifact that is there and of this stage counts as success.</summary>
    private static StageOutcome Judge(ExperimentStage stage, StageOutcome? outcome, int exitCode, StageLog log)
    {
        var title = $"{stage.Planned.Run.Kind} {stage.Name}";
        if (outcome is null)
        {
            throw new StageFailedException(
                ExitCode.Failed,
                $"{title}: the trainer ended without an outcome, exit code {exitCode}{NameSignal(exitCode)}; its log {log.Path} ends:{Environment.NewLine}{log.Tail}");
        }

        if (outcome.Result != StageResult.Succeeded)
        {
            throw new StageFailedException(TrainerExitCode.Of(outcome.Result), $"{title}: {outcome.Message} (log: {log.Path})");
        }

        if (exitCode != TrainerExitCode.Of(outcome.Result))
        {
            throw new StageFailedException(ExitCode.Failed, $"{title}: the trainer reported success but ended with exit code {exitCode}{NameSignal(exitCode)} (log: {log.Path})");
        }

        try
        {
            var artifact = Artifact.Open(stage.Planned.Plan.Placement.Output, stage.Kind);
            return artifact.Manifest.StageDigest == stage.Planned.Digest
                ? outcome
                : throw new StageFailedException(ExitCode.Failed, $"{title}: the artifact at {artifact.Directory} is of stage {artifact.Manifest.StageDigest}");
        }
        catch (InvalidInputException e)
        {
            throw new StageFailedException(ExitCode.Failed, $"{title}: the trainer reported success without a whole artifact: {e.Message}");
        }
    }

    private static string NameSignal(int exitCode) => TrainerExitCode.SignalOf(exitCode) switch
    {
        null => "",
        "SIGKILL" => " (SIGKILL, perhaps for want of memory)",
        var signal => $" ({signal})",
    };

    private Process Start(string planPath, string logDirectory)
    {
        var start = new ProcessStartInfo(command.FileName, [.. command.Arguments, "launch", "--plan", planPath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[TrainerEnvironment.ParentPipe] = "1";
        start.Environment[TrainerEnvironment.FlightRecords] = Path.GetFullPath(logDirectory);
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new StageFailedException(ExitCode.Failed, $"the trainer cannot be started: {e.Message}");
        }
    }

    /// <summary>Waits until the trainer has ended; once stopped, no longer than the grace period.</summary>
    private async Task EndAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            using var patience = new CancellationTokenSource(_grace);
            try
            {
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
