using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs;

/// <summary>What a run that is about to start would compute, and what is known of it.</summary>
internal abstract record StagePreparation;

/// <summary>It cannot be told yet.</summary>
/// <param name="Reason">One word.</param>
/// <param name="Message">One sentence.</param>
internal sealed record NotPrepared(string Reason, string Message) : StagePreparation;

/// <summary>It is known.</summary>
/// <param name="Digest">The stage digest.</param>
/// <param name="Plan">The plan.</param>
internal sealed record Prepared(string Digest, StagePlan Plan) : StagePreparation
{
    /// <summary>The artifact, where it is there already.</summary>
    public RunArtifact? Finished { get; init; }

    /// <summary>Another run that computes the same and goes first; null where this one may go.</summary>
    public string? Competitor { get; init; }

    /// <summary>The time of an attempt that begins now.</summary>
    public required DateTimeOffset AttemptTime { get; init; }
}
