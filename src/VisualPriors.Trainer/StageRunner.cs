using System.Diagnostics;
using Serilog;
using TorchSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Distributed.Communication;
using VisualPriors.Storage;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Trainer.Launching;
using VisualPriors.Trainer.Pods;
using VisualPriors.Training.Checkpoints;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Stages;

namespace VisualPriors.Trainer;

/// <summary>Runs the stage of a plan and turns whatever happens into a <see cref="StageOutcome"/>.</summary>
internal static class StageRunner
{
    /// <summary>Reads the plan, joins the other ranks, runs the stage, commits the artifact.</summary>
    /// <param name="planPath">The plan's file.</param>
    /// <param name="scratch">Folder that the launcher has fetched to what lies in an object store; null where nothing does.</param>
    /// <param name="settings">Which rank this is, and where the others are found.</param>
    /// <param name="report">Told how far the stage is.</param>
    /// <param name="onPeerLost">Hears, on another thread, that no collective will end any more: a thread that waits for a GPU would not notice.</param>
    /// <param name="cancellationToken">Asks the stage to save and stop.</param>
    public static StageOutcome Run(
        string planPath,
        string? scratch,
        Func<RendezvousSettings> settings,
        Action<ProgressReport> report,
        Action<CollectiveException> onPeerLost,
        CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            var plan = PlanJson.Read(planPath);
            var rank = settings();
            CheckSize(planPath, plan, rank);
            using var world = JoinedWorld.Join(
                rank, plan.Placement.Compute.GpusPerNode > 0 ? DeviceType.CUDA : DeviceType.CPU, cancellationToken, onPeerLost);
            var fence = TrainerEnvironment.Fence(Environment.GetEnvironmentVariable, rank.Attempt > 0 ? rank.Attempt : null);
            return RunStage(plan, ScratchPlaces.Of(planPath, plan, scratch), world, fence, report, started, cancellationToken);
        }
        catch (InvalidInputException e)
        {
            return End(StageResult.UserError, e.Message);
        }
        catch (TrainingDivergedException e)
        {
            return End(StageResult.Diverged, e.Message);
        }
        catch (FencedException e)
        {
            return End(StageResult.Fenced, e.Message);
        }
        catch (Exception e) when (e is CollectiveException or RendezvousException)
        {
            return End(StageResult.PeerLost, e.Message);
        }
        catch (TrainingInterruptedException e)
        {
            return End(StageResult.Interrupted, e.Message);
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

    private static void CheckSize(string planPath, StagePlan plan, RendezvousSettings rank)
    {
        if (rank.WorldSize != plan.Placement.Compute.WorldSize)
        {
            throw new InvalidInputException(
                planPath, "placement.compute", $"{plan.Placement.Compute.WorldSize} processes", $"WORLD_SIZE={rank.WorldSize} (a launcher sets it)");
        }
    }

    private static StageOutcome RunStage(
        StagePlan stated, StagePlan plan, World world, long? fence, Action<ProgressReport> report, long started, CancellationToken cancellationToken)
    {
        var compute = plan.Placement.Compute;
        torch.set_num_threads(compute.Threads > 0 ? compute.Threads : Math.Max(1, Environment.ProcessorCount / world.LocalSize));
        using var output = world.Rank == 0 ? new ArtifactWriter(plan.Placement.Output) : null;
        if (world.LocalRank == 0)
        {
            foreach (var (role, directory) in plan.Placement.Inputs)
            {
                Log.Information("Input {Role}: {Directory}", role, directory);
                Artifact.Open(directory).Verify(cancellationToken);
            }
        }

        var digest = StageDigest.Of(plan.Computation);
        using var checkpointer = plan.Placement.Checkpoints is { } checkpoints
            ? Checkpointer.Open(checkpoints, digest, world, fence, warning => Log.Warning("{Warning}", warning), cancellationToken)
            : null;
        var work = new StageWork
        {
            Plan = plan,
            World = world,
            Output = output,
            Checkpointer = checkpointer,
            Device = compute.GpusPerNode > 0 ? torch.CUDA : torch.CPU,
            Report = report,
        };
        var results = plan.Computation switch
        {
            PretrainComputation pretrain => PretrainStage.Run(work, pretrain, cancellationToken),
            AlignComputation align => AlignStage.Run(work, align, cancellationToken),
            SftComputation sft => SftStage.Run(work, sft, cancellationToken),
            EvalComputation eval => EvalStage.Run(work, eval, cancellationToken),
            var other => throw new NotSupportedException($"no stage for {other.GetType().Name}"),
        };
        cancellationToken.ThrowIfCancellationRequested();
        var outcome = new StageOutcome
        {
            Result = StageResult.Succeeded,
            Message = $"{plan.Run} succeeded",
            Results = results,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
        };
        if (output is null)
        {
            return outcome;
        }

        // As it was given: where this node kept its copies is of no interest to anybody else.
        File.WriteAllBytes(output.PathOf("plan.json"), PlanJson.Write(stated));
        var artifact = output.Commit(ArtifactKind.Of(plan.Computation), digest, outcome);
        return outcome with { ArtifactDigest = artifact.Digest };
    }
}
