namespace VisualPriors.Api.Plans;

/// <summary>Exit codes of the trainer, one per <see cref="StageResult"/>.</summary>
public static class TrainerExitCode
{
    /// <summary>The exit code that goes with a result.</summary>
    public static int Of(StageResult result) => result switch
    {
        StageResult.Succeeded => 0,
        StageResult.UserError => 2,
        StageResult.Diverged => 3,
        StageResult.Interrupted => 130,
        _ => 1,
    };
}
