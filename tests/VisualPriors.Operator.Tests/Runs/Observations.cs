using System.Text.Json;
using k8s.Models;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Tests.Runs;

/// <summary>Runs and pods to decide about.</summary>
internal static class Observations
{
    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    public static readonly RunKey Key = new("PretrainRun", "team", "decoder");
    public const string Digest = "digest-of-the-stage";
    public const string Address = "azblob://account/container/stages/" + Digest;

    public static Run Pretrain(string more = "") => ResourceReader.ReadRun("PretrainRun", new ObjectMeta { Name = "decoder", Namespace = "team" }, JsonDocument.Parse($$$"""
        {
          "model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"web": 1}},
          "training": {"tokens": 1000, "sequenceLength": 16, "globalBatchSize": 4}{{{more}}}
        }
        """).RootElement);

    public static Run Align() => ResourceReader.ReadRun("AlignRun", new ObjectMeta { Name = "projector", Namespace = "team" }, JsonDocument.Parse("""
        {"from": {"kind": "PretrainRun", "name": "decoder"}, "visionEncoder": "encoder", "captions": "captions"}
        """).RootElement);

    public static RunObservation Of(Run run, RunStatus? status = null, params V1Pod[] pods) => new()
    {
        Key = new RunKey(run.Kind, "team", run.Metadata.Name),
        Generation = 3,
        Run = run,
        SpecDigest = SpecDigest.Of(run),
        Status = status ?? new RunStatus(),
        ArtifactAddress = status?.StageDigest is null ? null : Address,
        Pods = pods,
        Now = Now,
    };

    /// <summary>A run whose attempt is under way.</summary>
    public static RunStatus Attempt(int attempt, bool isRunning = false, int restarts = 0) => new()
    {
        Phase = isRunning ? RunPhase.Running : RunPhase.Starting,
        StageDigest = Digest,
        Attempt = attempt,
        Restarts = restarts,
        Conditions = Conditions.With(null, ConditionTypes.Running, isRunning, "Test", "test", 3, Now.AddMinutes(-1)),
    };

    public static V1Pod Pod(int attempt = 1, int rank = 0, string phase = "Pending", string? node = null) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = GangNames.Pod(Key, attempt, rank),
            NamespaceProperty = "team",
            Uid = $"pod-{attempt}-{rank}",
            Labels = new Dictionary<string, string> { [GangNames.Attempt] = $"{attempt}", [GangNames.NodeRank] = $"{rank}" },
        },
        Spec = new V1PodSpec { NodeName = node ?? (phase == "Pending" ? null : $"node-{rank}") },
        Status = new V1PodStatus { Phase = phase },
    };

    /// <summary>A pod whose launcher ended.</summary>
    public static V1Pod Ended(int exitCode, int attempt = 1, int rank = 0, StageOutcome? outcome = null, DateTimeOffset? time = null, string? reason = null)
    {
        var pod = Pod(attempt, rank, exitCode == 0 ? "Succeeded" : "Failed");
        pod.Status.ContainerStatuses =
        [
            new V1ContainerStatus
            {
                Name = PodState.Container,
                State = new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = exitCode,
                        Reason = reason,
                        FinishedAt = (time ?? Now).UtcDateTime,
                        Message = outcome is null ? null : PlanJson.WriteOutcome(outcome, TrainerContract.TerminationMessageBytes),
                    },
                },
            },
        ];
        return pod;
    }

    public static V1Pod Ending(this V1Pod pod, DateTimeOffset due)
    {
        pod.Metadata.DeletionTimestamp = due.UtcDateTime;
        return pod;
    }

    public static StageOutcome Success { get; } = new()
    {
        Result = StageResult.Succeeded,
        Message = "decoder succeeded",
        ArtifactDigest = "content",
        Results = new Dictionary<string, double> { ["finalLoss"] = 1.23456789 },
        Seconds = 12,
    };

    public static StageOutcome Failure(StageResult result, string message, int rank = 0) => new()
    {
        Result = result,
        Message = message,
        Seconds = 1,
        Failure = new StageFailure { Rank = rank, Node = 0, ExitCode = TrainerExitCode.Of(result), Message = message },
    };

    public static Prepared Ready { get; } = new(Digest, null!) { AttemptTime = Now.AddMilliseconds(678) };
}
