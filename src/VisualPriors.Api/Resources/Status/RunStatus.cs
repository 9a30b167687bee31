using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources.Status;

/// <summary>Observed state of a run. Bounded in size: nothing in it grows with steps, pods or attempts.</summary>
public sealed record RunStatus
{
    /// <summary>Generation of the spec that was looked at last.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Where it stands, in one word.</summary>
    public RunPhase? Phase { get; init; }

    /// <summary>Standard conditions, one per type.</summary>
    [ListKey("type")]
    public IReadOnlyList<StatusCondition>? Conditions { get; init; }

    /// <summary>Digest of what it computes: equal digests, equal artifacts. Known once its upstream and data are.</summary>
    public string? StageDigest { get; init; }

    /// <summary>Digest of the part of the spec that must not change, as it was first accepted: for servers that cannot hold it by themselves.</summary>
    public string? SpecDigest { get; init; }

    /// <summary>Number of the current attempt, from 1; counts every start of pods, also after a suspension.</summary>
    public int? Attempt { get; init; }

    /// <summary>When the current attempt was decided on. Also what fences its checkpoints: a run of the same name may be made anew, and counts from 1 again.</summary>
    public DateTimeOffset? AttemptTime { get; init; }

    /// <summary>Attempts that failed and were followed by another.</summary>
    public int? Restarts { get; init; }

    /// <summary>When the next attempt may start, after a failure.</summary>
    public DateTimeOffset? RetryTime { get; init; }

    /// <summary>When the first attempt's pods were made.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>When it succeeded or failed.</summary>
    public DateTimeOffset? CompletionTime { get; init; }

    /// <summary>How far it is: written as reports come in, at most every few seconds.</summary>
    public RunProgress? Progress { get; init; }

    /// <summary>What it gave, once it succeeded.</summary>
    public RunArtifact? Artifact { get; init; }

    /// <summary>Why the last failed attempt failed.</summary>
    public RunFailure? Failure { get; init; }
}

/// <summary>How far a run is, as its rank 0 last said.</summary>
public sealed record RunProgress
{
    /// <summary>Attempt that said so.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was said.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What it is doing: <c>loading</c>, <c>resuming</c>, <c>training</c>, <c>validating</c>, <c>scoring</c> or <c>saving</c>.</summary>
    public required string Activity { get; init; }

    /// <summary>Steps or questions done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps or questions in all.</summary>
    public required long TotalSteps { get; init; }

    /// <summary><see cref="Step"/> of <see cref="TotalSteps"/> as people read it, such as <c>120/733</c>.</summary>
    public required string Steps { get; init; }

    /// <summary>Tokens trained on.</summary>
    public long? Tokens { get; init; }

    /// <summary>Training loss, nats per token, four decimals.</summary>
    public string? Loss { get; init; }

    /// <summary>Validation loss, nats per token, four decimals.</summary>
    public string? ValidationLoss { get; init; }

    /// <summary>Tokens per second.</summary>
    public long? TokensPerSecond { get; init; }

    /// <summary>Share of questions answered right, four decimals.</summary>
    public string? Accuracy { get; init; }

    /// <summary>Time left as people read it, such as <c>2h05m</c>; absent until it can be told.</summary>
    public string? Eta { get; init; }

    /// <summary>Updates left out because a loss or gradient was not finite.</summary>
    public long? SkippedSteps { get; init; }

    /// <summary>Step of the last whole checkpoint.</summary>
    public long? CheckpointStep { get; init; }

    /// <summary>When that step was first reported.</summary>
    public DateTimeOffset? CheckpointTime { get; init; }
}

/// <summary>What a run gave.</summary>
public sealed record RunArtifact
{
    /// <summary>Its address in the object store.</summary>
    public required string Address { get; init; }

    /// <summary>Its content digest.</summary>
    public required string Digest { get; init; }

    /// <summary>It was there already: computed by another run with the same stage digest.</summary>
    public required bool Reused { get; init; }

    /// <summary>Scalar results by name, six significant digits.</summary>
    public IReadOnlyDictionary<string, string>? Results { get; init; }
}

/// <summary>Why an attempt failed: the first bad rank.</summary>
public sealed record RunFailure
{
    /// <summary>The attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>One word for programs: the trainer's own result, <c>PodFailed</c>, <c>PodLost</c>, <c>OutOfMemory</c> or <c>Evicted</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>One sentence for people.</summary>
    public required string Message { get; init; }

    /// <summary>The first bad rank, where the launcher knew it.</summary>
    public int? Rank { get; init; }

    /// <summary>The pod it ran in.</summary>
    public string? Pod { get; init; }

    /// <summary>The Kubernetes node of that pod.</summary>
    public string? Node { get; init; }

    /// <summary>Its exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that ended it.</summary>
    public string? Signal { get; init; }
}
