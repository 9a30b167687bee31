using System.Globalization;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary>Makes one outcome of the ends of a node's ranks.</summary>
internal static class RootCause
{
    /// <summary>Longest error passed on, in characters: an outcome has to fit a message line, whatever a rank said.</summary>
    private const int MaximumErrorLength = 4096;

    /// <summary>The node's outcome.</summary>
    /// <param name="layout">The node's processes.</param>
    /// <param name="ends">The ends of all of them, in the order of time.</param>
    /// <param name="isStopped">Whether the launcher was asked to stop.</param>
    /// <param name="seconds">Time since the start.</param>
    public static StageOutcome Of(NodeLayout layout, IReadOnlyList<RankEnd> ends, bool isStopped, double seconds)
    {
        if (Culprit(layout, ends, isStopped) is { } culprit)
        {
            return Blame(layout, culprit, isStopped, seconds);
        }

        var first = ends.MinBy(end => end.Rank)!;
        return ends.All(end => end.Result == StageResult.Succeeded)
            ? first.Outcome!
            : new StageOutcome
            {
                Result = StageResult.Interrupted,
                Message = ends.Select(end => end.Outcome).FirstOrDefault(outcome => outcome?.Result == StageResult.Interrupted)?.Message ?? "stopped on request",
                Seconds = seconds,
            };
    }

    /// <summary>
    /// The rank whose end is the cause; null when all succeeded or stopped as they were asked to. What need not be tried again goes before
    /// what does; then what came first goes before what came later; a collective that failed is a consequence of what another rank did.
    /// </summary>
    private static RankEnd? Culprit(NodeLayout layout, IReadOnlyList<RankEnd> ends, bool isStopped)
    {
        var suspects = ends.Where(end => !IsOurDoing(end, isStopped)).ToList();
        return suspects.Find(end => end.Result == StageResult.UserError)
            ?? suspects.Find(end => end.Result == StageResult.Fenced)
            ?? suspects.Find(end => end.Result is StageResult.Failed or StageResult.Diverged || (end.Rank == layout.RankOf(0) && IsSilentSuccess(end)))
            ?? suspects.Find(end => end.Result == StageResult.PeerLost);
    }

    /// <summary>Whether a rank was killed for another's failure; killed because it would not stop when all were asked to, it has failed itself.</summary>
    private static bool IsOurDoing(RankEnd end, bool isStopped) => end.Action == LauncherAction.Killed && !isStopped;

    private static bool IsSilentSuccess(RankEnd end) => end.ExitCode == 0 && end.Outcome is null;

    private static StageOutcome Blame(NodeLayout layout, RankEnd culprit, bool isStopped, double seconds)
    {
        var result = IsSilentSuccess(culprit) ? StageResult.Failed : culprit.Result;
        var signal = TrainerExitCode.SignalOf(culprit.ExitCode);
        var error = Cut(ErrorOf(culprit, signal));
        return new StageOutcome
        {
            Result = result,
            // A wrong input is as wrong for every rank; and a rank of one needs no name.
            Message = (result == StageResult.UserError || layout.WorldSize == 1) && culprit.Outcome is not null && signal is null
                ? error
                : $"rank {culprit.Rank} of {layout.WorldSize} (node {layout.NodeRank}) {Describe(culprit, signal, isStopped)}: {error}",
            Seconds = seconds,
            Failure = new StageFailure
            {
                Rank = culprit.Rank,
                Node = layout.NodeRank,
                ExitCode = signal is null ? culprit.ExitCode : null,
                Signal = signal,
                Message = error,
            },
        };
    }

    private static string Describe(RankEnd end, string? signal, bool isStopped) => signal switch
    {
        "SIGKILL" when end.Action == LauncherAction.Killed && isStopped => "was killed (SIGKILL), as it did not stop in time",
        "SIGKILL" => "was killed (SIGKILL), perhaps for want of memory",
        null when end.Outcome is null => $"ended without an outcome, exit code {end.ExitCode.ToString(CultureInfo.InvariantCulture)}",
        null => $"ended with exit code {end.ExitCode.ToString(CultureInfo.InvariantCulture)}",
        _ => $"was ended by {signal}",
    };

    /// <summary>What a rank said itself counts as its error, unless it said so before something else ended it.</summary>
    private static string ErrorOf(RankEnd end, string? signal) =>
        end.Outcome is { } outcome && outcome.Result != StageResult.Succeeded && signal is null ? outcome.Message
        : end.LastLines.Count > 0 ? $"its log ends:\n{string.Join('\n', end.LastLines)}"
        : "it logged nothing";

    /// <summary>The end of an error that is too long: there it says what happened.</summary>
    private static string Cut(string error) => error.Length <= MaximumErrorLength ? error : $"... {error[^MaximumErrorLength..]}";
}
