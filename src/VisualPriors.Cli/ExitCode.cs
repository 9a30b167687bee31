using VisualPriors.Api.Plans;

namespace VisualPriors.Cli;

/// <summary>Exit codes of <c>vp</c>: a trainer's, which <see cref="TrainerExitCode"/> sets, mean the same here.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int BadInput = 2;
    public const int Diverged = 3;
    public const int Interrupted = 130;

    /// <summary>What every command's help ends with.</summary>
    public const string Help = """
        Exit codes:
          0    ok
          1    failed
          2    bad input; nothing was computed
          3    training diverged
          4    a process lost the others
          5    a later attempt has taken over
          130  interrupted

        """;
}
