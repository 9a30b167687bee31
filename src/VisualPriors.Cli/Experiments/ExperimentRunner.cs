using System.Diagnostics;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Output;
using VisualPriors.Cli.Trainer;
using VisualPriors.Evaluation.Reports;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Experiments;

/// <summary>Carries out an experiment's stages one after another.</summary>
internal sealed class ExperimentRunner(StageProcess trainer)
{
    /// <summary>Computes what is not finished and writes <c>run.json</c>.</summary>
    /// <exception cref="StageFailedException">A stage failed or missed a gate; it and the ones before it are kept.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<RunRecord> RunAsync(Experiment experiment, IRunObserver observer, CancellationToken cancellationToken)
    {
        var output = experiment.OutputDirectory;
        ClearOutput(output);
        var records = new List<StageRecord>();
        foreach (var stage in experiment.Stages)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var record = stage.Finished is { } artifact
                ? Record(output, stage, artifact.Manifest.Outcome!, isReused: true)
                : await ComputeAsync(output, stage, observer, cancellationToken).ConfigureAwait(false);
            observer.OnEnded(stage, record);
            records.Add(record);
            CheckGates(experiment, stage, record);
        }

        return await WriteAsync(experiment, records, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes an output folder ready: an earlier run's results would pass for this one's if it fails.</summary>
    public static void ClearOutput(string output)
    {
        Directory.CreateDirectory(output);
        foreach (var name in new[] { RunRecord.FileName, RunSummary.FileName, ReportWriter.FileName })
        {
            File.Delete(Path.Combine(output, name));
        }

        ArtifactWriter.RemoveAbandoned(Path.Combine(output, "stages"));
    }

    /// <summary>Writes <c>run.json</c>.</summary>
    public static async Task<RunRecord> WriteAsync(Experiment experiment, IReadOnlyList<StageRecord> records, CancellationToken cancellationToken)
    {
        var run = new RunRecord { Stages = records, Manifest = await File.ReadAllTextAsync(experiment.Manifest.File, cancellationToken).ConfigureAwait(false) };
        RunRecord.Write(experiment.OutputDirectory, run);
        return run;
    }

    /// <summary>Nothing comes after a stage whose results miss a gate of its pipeline: a reused stage's, too.</summary>
    private static void CheckGates(Experiment experiment, ExperimentStage stage, StageRecord record)
    {
        if (experiment.Manifest.StageOf(stage.Planned.Run) is { } gated && PipelineGates.Check(gated, record.Results) is { } missed)
        {
            throw new StageFailedException(ExitCode.Failed, $"{stage.Name} missed a gate of its pipeline, which ends here: {missed.Message}");
        }
    }

    /// <summary>A stage's record, its artifact at its place.</summary>
    public static StageRecord Record(string output, ExperimentStage stage, StageOutcome outcome, bool isReused) => new()
    {
        Run = stage.Name,
        Kind = stage.Kind,
        Digest = stage.Planned.Digest,
        Artifact = Path.GetRelativePath(output, stage.Planned.Plan.Placement.Output),
        Seconds = outcome.Seconds,
        Reused = isReused,
        Results = outcome.Results ?? new Dictionary<string, double>(),
    };

    private async Task<StageRecord> ComputeAsync(string output, ExperimentStage stage, IRunObserver observer, CancellationToken cancellationToken)
    {
        observer.OnStarted(stage);
        var started = Stopwatch.GetTimestamp();
        var outcome = await trainer.RunAsync(output, stage, report => observer.OnProgress(stage, report), cancellationToken).ConfigureAwait(false);
        return Record(output, stage, outcome with { Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds }, isReused: false);
    }
}
