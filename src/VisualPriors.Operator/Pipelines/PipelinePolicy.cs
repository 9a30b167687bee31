using System.Globalization;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Pipelines;

/// <summary>Makes each stage's run once the one before has succeeded and kept its gates; ends with the first that did not.</summary>
internal static class PipelinePolicy
{
    /// <summary>Decides.</summary>
    public static PipelineDecision Decide(PipelineObservation o)
    {
        if (o.Status.Phase is RunPhase.Succeeded or RunPhase.Failed)
        {
            return Finished(o);
        }

        if (o.Pipeline is not { } pipeline)
        {
            return Refuse(o, "Invalid", string.Join("; ", o.Errors.Select(error => $"{error.Field}: found {error.Found}, expected {error.Expected}")));
        }

        var stages = PipelineExpansion.Stages(pipeline).Select(stage => new Link(stage.Stage, stage.Run, RunFor(o, stage.Run))).ToList();
        if (stages.Find(stage => stage.Observed is { IsOurs: false }) is { } taken)
        {
            return Refuse(o, "NameTaken", $"spec.stages: found a {taken.Run.Kind} {taken.Run.Metadata.Name} that is not this pipeline's, expected that name to be free for stage {taken.Stage.Name}");
        }

        if (stages.Find(IsChanged) is { } changed)
        {
            return Refuse(o, "SpecImmutable", $"spec.stages: found a change of stage {changed.Stage.Name} after its run was made, expected the stage as it was: undo it, or delete the pipeline and make a new one");
        }

        var status = Story(o, pipeline, stages);
        if (stages.Find(stage => stage.Phase == RunPhase.Failed) is { } failed)
        {
            var why = Conditions.Find(failed.Observed!.Status.Conditions, ConditionTypes.Failed)?.Message;
            return End(o, status, RunPhase.Failed, "StageFailed", $"stage {failed.Stage.Name} failed: {why}");
        }

        foreach (var done in stages.Where(stage => stage.Phase == RunPhase.Succeeded))
        {
            if (PipelineGates.Check(done.Stage, ResultsOf(done)) is { } violation)
            {
                return End(o, status, RunPhase.Failed, "GateFailed", $"stage {done.Stage.Name}: {violation.Message}");
            }
        }

        return stages.TrueForAll(stage => stage.Phase == RunPhase.Succeeded)
            ? End(o, status, RunPhase.Succeeded, "Succeeded", $"all {stages.Count} stages succeeded")
            : GoOn(o, pipeline, status, stages);
    }

    private static PipelineDecision GoOn(PipelineObservation o, Pipeline pipeline, PipelineStatus status, List<Link> stages)
    {
        var hold = stages.Where(stage => stage.Observed is { IsEnding: false } observed && observed.IsSuspended != stage.Run.Common.Suspend
            && stage.Phase is not RunPhase.Succeeded).Select(stage => stage.Run).ToList();
        if (pipeline.Spec.Suspend)
        {
            var isNews = !Conditions.IsTrue(o.Status.Conditions, ConditionTypes.Suspended);
            return new PipelineDecision(With(o, status, ConditionTypes.Suspended, true, "Suspended", "held by spec.suspend") with { Phase = RunPhase.Suspended })
            {
                Suspend = hold,
                Events = isNews ? [new RunEvent("Suspended", "suspended, with its runs")] : [],
            };
        }

        if (Conditions.IsTrue(status.Conditions, ConditionTypes.Suspended))
        {
            status = With(o, status, ConditionTypes.Suspended, false, "Resumed", "no longer held");
        }

        // A run that is being deleted keeps its name until it is gone; its going is seen.
        var ready = stages.Where(stage => stage.Observed is null && IsUpstreamDone(stage.Run, stages)).Select(stage => stage.Run).ToList();
        var isRunning = stages.Exists(stage => stage.Phase == RunPhase.Running);
        return new PipelineDecision(status with
        {
            Phase = isRunning ? RunPhase.Running : RunPhase.Starting,
            StartTime = status.StartTime ?? o.Now,
        })
        {
            Create = ready,
            Suspend = hold,
            Events = [.. ready.Select(run => new RunEvent("StageStarted", $"made {run.Kind} {run.Metadata.Name}"))],
        };
    }

    private static PipelineDecision Finished(PipelineObservation o)
    {
        if (o.Pipeline?.Spec.TtlSecondsAfterFinished is not { } seconds)
        {
            return new PipelineDecision(o.Status);
        }

        var left = TimeSpan.FromSeconds(seconds) - (o.Now - (o.Status.CompletionTime ?? o.Now));
        return left > TimeSpan.Zero ? new PipelineDecision(o.Status) { RequeueAfter = left } : new PipelineDecision(o.Status) { IsOver = true };
    }

    private static PipelineDecision Refuse(PipelineObservation o, string reason, string message)
    {
        var bounded = StatusText.Bounded(message);
        var isNews = Conditions.Find(o.Status.Conditions, ConditionTypes.Accepted) is not { IsTrue: false } before || before.Message != bounded;
        return new PipelineDecision(With(o, o.Status, ConditionTypes.Accepted, false, reason, bounded) with { Phase = o.Status.Phase ?? RunPhase.Pending })
        {
            Events = isNews ? [new RunEvent(reason, bounded, IsWarning: true)] : [],
        };
    }

    private static PipelineDecision End(PipelineObservation o, PipelineStatus status, RunPhase phase, string reason, string message)
    {
        var type = phase == RunPhase.Succeeded ? ConditionTypes.Succeeded : ConditionTypes.Failed;
        return new PipelineDecision(With(o, status, type, true, reason, message) with { Phase = phase, CompletionTime = o.Now })
        {
            Events = [new RunEvent(reason, message, IsWarning: phase == RunPhase.Failed)],
        };
    }

    private static PipelineStatus Story(PipelineObservation o, Pipeline pipeline, List<Link> stages) =>
        With(o, o.Status, ConditionTypes.Accepted, true, "Valid", "the spec keeps every rule") with
        {
            Progress = $"{stages.Count(stage => stage.Phase == RunPhase.Succeeded)}/{pipeline.Spec.Stages.Count}",
            Stages =
            [
                .. stages.Select(stage => new PipelineStageStatus
                {
                    Name = stage.Stage.Name,
                    Kind = stage.Run.Kind,
                    Run = stage.Observed is null ? null : stage.Run.Metadata.Name,
                    Phase = stage.Phase,
                    StageDigest = stage.Observed?.Status.StageDigest,
                    Reused = stage.Observed?.Status.Artifact?.Reused,
                }),
            ],
        };

    private static PipelineStatus With(PipelineObservation o, PipelineStatus status, string type, bool isTrue, string reason, string message) => status with
    {
        ObservedGeneration = o.Generation,
        Conditions = Conditions.With(status.Conditions, type, isTrue, reason, message, o.Generation, o.Now),
    };

    private static RunOfStage? RunFor(PipelineObservation o, Run run) => o.Runs.GetValueOrDefault((run.Kind, run.Metadata.Name));

    private static bool IsChanged(Link stage) =>
        stage.Observed?.Status.SpecDigest is { } before && !SpecDigest.IsUnchanged(before, SpecDigest.Of(stage.Run));

    private static bool IsUpstreamDone(Run run, List<Link> stages) => run.Upstream is not { } from
        || stages.Exists(stage => stage.Run.Kind == from.Kind && stage.Run.Metadata.Name == from.Name && stage.Phase == RunPhase.Succeeded);

    private static Dictionary<string, double> ResultsOf(Link stage) =>
        (stage.Observed!.Status.Artifact?.Results ?? new Dictionary<string, string>())
        .ToDictionary(result => result.Key, result => double.Parse(result.Value, CultureInfo.InvariantCulture));

    /// <summary>A stage, its run as it should be, and as it is.</summary>
    private sealed record Link(PipelineStage Stage, Run Run, RunOfStage? Observed)
    {
        public RunPhase? Phase => Observed is null ? null : Observed.Status.Phase ?? RunPhase.Pending;
    }
}
