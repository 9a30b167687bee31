using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Gangs;

/// <summary>Finds out which pod of a gang failed first, and why: the others fail because of it.</summary>
internal static class GangFailure
{
    /// <summary>How long a pod that only lost a peer waits for that peer to show its own end.</summary>
    public static readonly TimeSpan AttributionPatience = TimeSpan.FromSeconds(15);

    /// <summary>The end that explains the others': by cause first, by time second. Null while only losses of a peer are known and the cause may still show.</summary>
    /// <param name="ends">Every failed end, at least one.</param>
    /// <param name="othersActive">Whether pods of the gang are still running.</param>
    /// <param name="now">Now.</param>
    public static PodEnd? Find(IReadOnlyList<PodEnd> ends, bool othersActive, DateTimeOffset now)
    {
        var first = ends.OrderBy(Rank).ThenBy(end => end.Time ?? now).ThenBy(end => end.NodeRank).First();
        var waitsForCause = Rank(first) > 0 && othersActive && now - (first.Time ?? now) < AttributionPatience;
        return waitsForCause ? null : first;
    }

    /// <summary>Whether another attempt may go better.</summary>
    public static bool IsRetryable(PodEnd end) => end.ExitCode is not { } code || TrainerExitCode.Retryable(code);

    /// <summary>What a status says of it.</summary>
    public static RunFailure Describe(PodEnd end, int attempt)
    {
        var reason = end.Reason is "OOMKilled" ? "OutOfMemory"
            : end.ExitCode is null ? end.Reason ?? "PodFailed"
            : end.Result.ToString();
        var message = end.Outcome?.Message
            ?? end.Message
            ?? (end.ExitCode is { } code ? $"its container ended with exit code {code}" : "its container never ran");
        return new RunFailure
        {
            Attempt = attempt,
            Reason = reason,
            Message = StatusText.Bounded(message),
            Rank = end.Outcome?.Failure?.Rank,
            Pod = end.Pod,
            Node = end.Node,
            ExitCode = end.Outcome?.Failure?.ExitCode ?? end.ExitCode,
            Signal = end.Outcome?.Failure?.Signal ?? (end.ExitCode is { } signal ? TrainerExitCode.SignalOf(signal) : null),
        };
    }

    /// <summary>0 for a cause of its own, 1 for a pod that was asked to end, 2 for one that lost a peer.</summary>
    private static int Rank(PodEnd end) => end.Result switch
    {
        StageResult.PeerLost => 2,
        StageResult.Interrupted => 1,
        _ => 0,
    };
}
