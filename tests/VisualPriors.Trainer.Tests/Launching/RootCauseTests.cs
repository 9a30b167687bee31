using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Tests.Launching;

public sealed class RootCauseTests
{
    /// <summary>
    /// Ends in the order of time, <c>rank:exit code</c>, with <c>?</c> when the launcher had asked the rank to stop and <c>!</c> when it
    /// killed it; then what is expected: <c>result</c>, and the rank to blame.
    /// </summary>
    [Theory]
    // All well, and all stopped.
    [InlineData("0:0 1:0", false, StageResult.Succeeded, null)]
    [InlineData("1:130 0:130", true, StageResult.Interrupted, null)]
    [InlineData("1:130 0:130", false, StageResult.Interrupted, null)]
    [InlineData("1:143? 0:130?", true, StageResult.Interrupted, null)]
    [InlineData("0:0 1:130?", true, StageResult.Interrupted, null)]
    // One failed, and the others were ended.
    [InlineData("2:1 0:143? 1:137!", false, StageResult.Failed, 2)]
    [InlineData("2:139 0:130? 1:130?", false, StageResult.Failed, 2)]
    [InlineData("2:137 0:1? 1:4?", false, StageResult.Failed, 2)]
    [InlineData("1:143 0:130?", false, StageResult.Failed, 1)]
    [InlineData("1:3 0:3 2:4", false, StageResult.Diverged, 1)]
    // A collective that failed is a consequence, if there is a cause.
    [InlineData("0:4 1:4 2:137", false, StageResult.Failed, 2)]
    [InlineData("0:4 1:4 2:1?", false, StageResult.Failed, 2)]
    [InlineData("1:4 0:4", false, StageResult.PeerLost, 1)]
    [InlineData("1:4 0:137!", false, StageResult.PeerLost, 1)]
    [InlineData("0:130? 1:4?", true, StageResult.PeerLost, 1)]
    // What need not be tried again goes first.
    [InlineData("0:1 1:137 2:2?", false, StageResult.UserError, 2)]
    [InlineData("1:4 0:5", false, StageResult.Fenced, 0)]
    [InlineData("1:1 0:5", false, StageResult.Fenced, 0)]
    [InlineData("1:3 0:2", false, StageResult.UserError, 0)]
    // Not stopping when all were asked to is a failure of one's own.
    [InlineData("0:130? 1:137!", true, StageResult.Failed, 1)]
    [InlineData("0:1? 1:137!", true, StageResult.Failed, 0)]
    // Exit codes that are nobody's.
    [InlineData("0:0 1:77", false, StageResult.Failed, 1)]
    public void The_first_by_cause_is_blamed(string ends, bool isStopped, StageResult result, int? rank)
    {
        var outcome = RootCause.Of(Layout(3), [.. ends.Split(' ').Select(Parse)], isStopped, 1.5);

        Assert.Equal((result, rank), (outcome.Result, outcome.Failure?.Rank));
    }

    [Fact]
    public void All_well_is_rank_0s_outcome()
    {
        var outcome = Outcome(StageResult.Succeeded, "done") with { ArtifactDigest = "abc" };

        Assert.Same(outcome, RootCause.Of(Layout(2), [End(1, 0), End(0, 0) with { Outcome = outcome }], false, 9));
    }

    [Fact]
    public void Success_that_says_nothing_is_none()
    {
        var outcome = RootCause.Of(Layout(2), [End(0, 0) with { Outcome = null }, End(1, 0)], false, 9);

        Assert.Equal((StageResult.Failed, 0), (outcome.Result, outcome.Failure!.Rank));
        Assert.Contains("without an outcome", outcome.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StageResult.Failed)]
    [InlineData(StageResult.UserError)]
    public void Success_by_exit_code_only_is_what_the_rank_said(StageResult result) =>
        Assert.Equal(result, RootCause.Of(Layout(1), [End(0, 0) with { Outcome = Outcome(result, "no") }], false, 9).Result);

    [Fact]
    public void A_rank_that_reported_success_and_crashed_has_failed_of_the_crash()
    {
        var outcome = RootCause.Of(Layout(1), [End(0, 139) with { Outcome = Outcome(StageResult.Succeeded, "done"), LastLines = ["unloading"] }], false, 9);

        Assert.Equal((StageResult.Failed, "SIGSEGV", null), (outcome.Result, outcome.Failure!.Signal, outcome.Failure.ExitCode));
        Assert.Equal("rank 0 of 1 (node 0) was ended by SIGSEGV: its log ends:\nunloading", outcome.Message);
    }

    [Fact]
    public void The_culprits_own_words_are_passed_on_with_rank_and_node()
    {
        var layout = Layout(4) with { NodeRank = 1, LocalSize = 2 };

        var outcome = RootCause.Of(
            layout, [End(3, 1) with { Outcome = Outcome(StageResult.Failed, "IOException: disk full"), LastLines = ["x"] }, End(2, 4)], false, 9);

        Assert.Equal("rank 3 of 4 (node 1) ended with exit code 1: IOException: disk full", outcome.Message);
        Assert.Equal(new StageFailure { Rank = 3, Node = 1, ExitCode = 1, Message = "IOException: disk full" }, outcome.Failure);
    }

    [Fact]
    public void Where_it_said_nothing_its_last_lines_are()
    {
        var outcome = RootCause.Of(Layout(2), [End(1, 137) with { Outcome = null, LastLines = ["one", "two"] }, End(0, 4)], false, 9);

        Assert.Equal(new StageFailure { Rank = 1, Node = 0, Signal = "SIGKILL", Message = "its log ends:\none\ntwo" }, outcome.Failure);
        Assert.Contains("was killed (SIGKILL), perhaps for want of memory", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_error_and_a_rank_of_one_keep_their_words() =>
        Assert.All([1, 2], size => Assert.Equal(
            "bad.yaml: found x",
            RootCause.Of(Layout(size), [End(0, 2) with { Outcome = Outcome(StageResult.UserError, "bad.yaml: found x") }], false, 9).Message));

    [Fact]
    public void However_much_a_rank_says_the_outcome_fits_a_line()
    {
        var outcome = RootCause.Of(Layout(2), [End(0, 1) with { Outcome = null, LastLines = [.. Enumerable.Repeat(new string('\u0001', 8192), 20)] }, End(1, 4)], false, 9);

        Assert.True(PlanJson.TryReadLine(PlanJson.WriteLine(new TrainerMessage { Outcome = outcome }), out var read));
        Assert.Equal(outcome, read.Outcome);
    }

    private static NodeLayout Layout(int size) =>
        new() { NodeRank = 0, LocalSize = size, WorldSize = size, MasterAddress = "127.0.0.1", MasterPort = 1, Token = "t" };

    private static RankEnd Parse(string text)
    {
        var parts = text.TrimEnd('?', '!').Split(':').Select(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        return End(parts[0], parts[1]) with
        {
            Action = text[^1] switch { '?' => LauncherAction.Asked, '!' => LauncherAction.Killed, _ => LauncherAction.None },
        };
    }

    private static RankEnd End(int rank, int exitCode) => new()
    {
        Rank = rank,
        ExitCode = exitCode,
        Outcome = TrainerExitCode.SignalOf(exitCode) is null ? Outcome(TrainerExitCode.ResultOf(exitCode), "its reason") : null,
    };

    private static StageOutcome Outcome(StageResult result, string message) => new() { Result = result, Message = message, Seconds = 1 };
}
