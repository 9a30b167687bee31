using VisualPriors.Api.Plans;

namespace VisualPriors.Api.Tests.Plans;

public sealed class TrainerExitCodeTests
{
    [Theory]
    [InlineData(StageResult.Succeeded, 0, false)]
    [InlineData(StageResult.Failed, 1, true)]
    [InlineData(StageResult.UserError, 2, false)]
    [InlineData(StageResult.Diverged, 3, false)]
    [InlineData(StageResult.PeerLost, 4, true)]
    [InlineData(StageResult.Fenced, 5, false)]
    [InlineData(StageResult.Interrupted, 130, true)]
    public void Every_result_has_a_code_of_its_own(StageResult result, int exitCode, bool retryable)
    {
        Assert.Equal(exitCode, TrainerExitCode.Of(result));
        Assert.Equal(result, TrainerExitCode.ResultOf(exitCode));
        Assert.Equal(retryable, TrainerExitCode.Retryable(exitCode));
        Assert.Null(TrainerExitCode.SignalOf(exitCode));
    }

    [Fact]
    public void No_result_is_forgotten() => Assert.Equal(
        [0, 1, 2, 3, 4, 5, 130],
        Enum.GetValues<StageResult>().Select(TrainerExitCode.Of).Order());

    [Theory]
    [InlineData(137, "SIGKILL")]
    [InlineData(139, "SIGSEGV")]
    [InlineData(134, "SIGABRT")]
    [InlineData(143, "SIGTERM")]
    [InlineData(159, "signal 31")]
    [InlineData(77, null)]
    [InlineData(128, null)]
    [InlineData(255, null)]
    [InlineData(-1, null)]
    public void Any_other_code_is_a_failure_that_may_pass(int exitCode, string? signal)
    {
        Assert.Equal(StageResult.Failed, TrainerExitCode.ResultOf(exitCode));
        Assert.True(TrainerExitCode.Retryable(exitCode));
        Assert.Equal(signal, TrainerExitCode.SignalOf(exitCode));
    }
}
