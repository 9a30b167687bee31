namespace VisualPriors.Api.Plans;

/// <summary>
/// Exit codes of the trainer, of its launcher and of each rank process alike:
/// <list type="table">
/// <item><term>0</term><description>succeeded: the artifact is there.</description></item>
/// <item><term>1</term><description>failed, for a reason of the machine or the program: try again.</description></item>
/// <item><term>2</term><description>the input is wrong: trying again changes nothing.</description></item>
/// <item><term>3</term><description>training diverged: trying again gives the same.</description></item>
/// <item><term>4</term><description>a collective failed or hung: try again; the cause is with another rank.</description></item>
/// <item><term>5</term><description>fenced: a later attempt has taken over, so this one is not tried again.</description></item>
/// <item><term>130</term><description>stopped on request, after saving what is saved: try again to go on.</description></item>
/// </list>
/// Above 128, any other means a signal: 128 and its number. It counts as failed.
/// </summary>
public static class TrainerExitCode
{
    private const int Interrupted = 130;

    /// <summary>The exit code that goes with a result.</summary>
    public static int Of(StageResult result) => result switch
    {
        StageResult.Succeeded => 0,
        StageResult.UserError => 2,
        StageResult.Diverged => 3,
        StageResult.PeerLost => 4,
        StageResult.Fenced => 5,
        StageResult.Interrupted => Interrupted,
        _ => 1,
    };

    /// <summary>The result that goes with an exit code; one that is not the trainer's own (a signal's, say) is a failure.</summary>
    public static StageResult ResultOf(int exitCode) =>
        Enum.GetValues<StageResult>().Where(result => Of(result) == exitCode).FirstOrDefault(StageResult.Failed);

    /// <summary>Whether another attempt may succeed.</summary>
    public static bool Retryable(int exitCode) => ResultOf(exitCode) is StageResult.Failed or StageResult.PeerLost or StageResult.Interrupted;

    /// <summary>Name of the signal that ended a process, as its parent sees it (128 and the signal's number); null when none did.</summary>
    public static string? SignalOf(int exitCode) => exitCode is <= 128 or > 128 + 64 or Interrupted ? null : (exitCode - 128) switch
    {
        1 => "SIGHUP",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        var number => $"signal {number}",
    };
}
