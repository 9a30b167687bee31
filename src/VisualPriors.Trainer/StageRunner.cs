using System.Diagnostics;
using Serilog;
using TorchSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Storage;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Stages;

namespace VisualPriors.Trainer;

/// <summary>Runs the stage of a plan and turns whatever happens into a <see cref="StageOutcome"/>.</summary>
internal static class StageRunner
{
    /// <summary>Reads the plan, runs its stage, commits the artifact.</summary>
    public static StageOutcome Run(string planPath, Action<ProgressReport> report, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            var plan = PlanJson.Read(planPath);
            return RunStage(plan, report, started, cancellationToken);
        }
        catch (InvalidInputException e)
        {
            return End(StageResult.UserError, e.Message);
        }
        catch (TrainingDivergedException e)
        {
            return End(StageResult.Diverged, e.Message);
        }
        catch (OperationCanceledException)
        {
            return End(StageResult.Interrupted, "stopped on request; nothing was written");
        }
        catch (Exception e)
        {
            // The outermost boundary: whatever it was, the control plane is told, with the details in the log.
            Log.Error(e, "The stage failed");
            return End(StageResult.Failed, $"{e.GetType().Name}: {e.Message}");
        }

        StageOutcome End(StageResult result, string message)
        {
            Log.Warning("{Result}: {Message}", result, message);
            return new StageOutcome { Result = result, Message = message, Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds };
        }
    }

    private static StageOutcome RunStage(StagePlan plan, Action<ProgressReport> report, long started, CancellationToken cancellationToken)
    {
        torch.set_num_threads(plan.Placement.Compute.Threads > 0 ? plan.Placement.Compute.Threads : Environment.ProcessorCount);
        using var output = new ArtifactWriter(plan.Placement.Output);
        foreach (var (role, directory) in plan.Placement.Inputs)
        {
            Log.Information("Input {Role}: {Directory}", role, directory);
            Artifact.Open(directory).Verify(cancellationToken);
        }

        var work = new StageWork { Plan = plan, Output = output, Report = report };
        var results = plan.Computation switch
        {
            PretrainComputation pretrain => PretrainStage.Run(work, pretrain, cancellationToken),
            AlignComputation align => AlignStage.Run(work, align, cancellationToken),
            SftComputation sft => SftStage.Run(work, sft, cancellationToken),
            EvalComputation eval => EvalStage.Run(work, eval, cancellationToken),
            var other => throw new NotSupportedException($"no stage for {other.GetType().Name}"),
        };
        cancellationToken.ThrowIfCancellationRequested();
        File.WriteAllBytes(output.PathOf("plan.json"), PlanJson.Write(plan));
        var outcome = new StageOutcome
        {
            Result = StageResult.Succeeded,
            Message = $"{plan.Run} succeeded",
            Results = results,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
        };
        var artifact = output.Commit(ArtifactKind.Of(plan.Computation), StageDigest.Of(plan.Computation), outcome);
        return outcome with { ArtifactDigest = artifact.Digest };
    }
}
