using System.Text.Json.Serialization;
using VisualPriors.Api.Json;

namespace VisualPriors.Api.Plans;

/// <summary>What a trainer says while it works: the only way up, apart from <see cref="StageOutcome"/>. At most a few a second.</summary>
public sealed record ProgressReport
{
    /// <summary>What the trainer is doing: <c>loading</c>, <c>resuming</c>, <c>training</c>, <c>validating</c>, <c>scoring</c> or <c>saving</c>.</summary>
    public required string Phase { get; init; }

    /// <summary>Steps (training) or questions (scoring) done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps or questions in all.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Tokens trained on so far.</summary>
    public long? Tokens { get; init; }

    /// <summary>Mean training loss per supervised token since the last report, in nats.</summary>
    public double? Loss { get; init; }

    /// <summary>Last validation loss, in nats per token.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Tokens per second since the last report.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Share of questions answered right so far.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Updates left out so far because a loss or gradient was not finite.</summary>
    public long? SkippedSteps { get; init; }

    /// <summary>Times that training went back to a checkpoint after a loss spike.</summary>
    public int? Rollbacks { get; init; }

    /// <summary>Step of the last checkpoint that is whole, when there is one.</summary>
    public long? CheckpointStep { get; init; }
}

/// <summary>How a stage ended.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<StageResult>))]
public enum StageResult
{
    /// <summary>The artifact is there.</summary>
    Succeeded,

    /// <summary>The input is wrong: trying again changes nothing.</summary>
    UserError,

    /// <summary>The computation went wrong (a loss that is not finite): trying again gives the same.</summary>
    Diverged,

    /// <summary>The machine or the program failed: trying again may help.</summary>
    Failed,

    /// <summary>Stopped on request.</summary>
    Interrupted,

    /// <summary>A collective failed or hung: another rank is gone or stuck, and the cause lies there. Trying again may help.</summary>
    PeerLost,

    /// <summary>A later attempt at the same stage has taken over: this one is not to be tried again.</summary>
    Fenced,
}

/// <summary>What a trainer says once, at the end: the artifact, or the root cause.</summary>
public sealed record StageOutcome
{
    /// <summary>How it ended.</summary>
    public required StageResult Result { get; init; }

    /// <summary>One clear sentence for people; on failure the root cause.</summary>
    public required string Message { get; init; }

    /// <summary>Content digest of the artifact written, when there is one.</summary>
    public string? ArtifactDigest { get; init; }

    /// <summary>Scalar results by name (losses, accuracies, counts), when there are any.</summary>
    public IReadOnlyDictionary<string, double>? Results { get; init; }

    /// <summary>Wall time of the stage.</summary>
    public required double Seconds { get; init; }

    /// <summary>The rank that failed first, by cause; null where none did (or where no launcher looked).</summary>
    public StageFailure? Failure { get; init; }
}

/// <summary>The first bad rank of a stage: the one whose end made the others end.</summary>
public sealed record StageFailure
{
    /// <summary>Its place among all ranks, from 0.</summary>
    public required int Rank { get; init; }

    /// <summary>Its node, from 0.</summary>
    public required int Node { get; init; }

    /// <summary>Its exit code, see <see cref="TrainerExitCode"/>; null when a signal ended it, or when it never started.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Name of the signal that ended it, such as <c>SIGKILL</c>.</summary>
    public string? Signal { get; init; }

    /// <summary>Its last error: what it said itself, or the last lines of its log.</summary>
    public required string Message { get; init; }
}

/// <summary>One line of a trainer's standard output: exactly one of the two is set. Logs go to standard error.</summary>
public sealed record TrainerMessage
{
    /// <summary>Progress.</summary>
    public ProgressReport? Progress { get; init; }

    /// <summary>The end.</summary>
    public StageOutcome? Outcome { get; init; }
}
