using System.ComponentModel;
using System.Diagnostics;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Trainer;

/// <summary>
/// Runs a stage in a trainer process: a plan goes down as a file, messages come up as lines of its standard output, its standard error
/// is its log.
/// </summary>
/// <param name="command">How to start a trainer.</param>
/// <param name="grace">How long a trainer that was asked to stop may take before it is killed; ten seconds unless given.</param>
internal sealed class StageProcess(TrainerCommand command, TimeSpan? grace = null)
{
    private readonly TimeSpan _grace = grace ?? TimeSpan.FromSeconds(10);

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
        using var process = Start(planPath);
        try
        {
            process.StandardInput.Close();
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

    private static string NameSignal(int exitCode) => (exitCode - 128) switch
    {
        6 => " (aborted)",
        9 => " (killed, perhaps for want of memory)",
        11 => " (segmentation fault)",
        15 => " (terminated)",
        _ => "",
    };

    private Process Start(string planPath)
    {
        var start = new ProcessStartInfo(command.FileName, [.. command.Arguments, "run", "--plan", planPath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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
