using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary>What the launcher had done to a rank by the time it ended.</summary>
internal enum LauncherAction
{
    /// <summary>Nothing: the rank ended by itself.</summary>
    None,

    /// <summary>Asked it to stop (SIGTERM).</summary>
    Asked,

    /// <summary>Killed it, as it did not stop in time.</summary>
    Killed,
}

/// <summary>How one rank process ended.</summary>
internal sealed record RankEnd
{
    /// <summary>Its place among all ranks.</summary>
    public required int Rank { get; init; }

    /// <summary>Exit code as its parent sees it: above 128, that and a signal's number.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it said about its end, if it did.</summary>
    public StageOutcome? Outcome { get; init; }

    /// <summary>The last lines of its standard error.</summary>
    public IReadOnlyList<string> LastLines { get; init; } = [];

    /// <summary>What the launcher had done to it.</summary>
    public LauncherAction Action { get; init; }

    /// <summary>What its end amounts to: its exit code counts, and where that claims success, what it said.</summary>
    public StageResult Result
    {
        get
        {
            // A rank that is asked before it listens dies of the request, with nothing yet to save.
            if (Action == LauncherAction.Asked && TrainerExitCode.SignalOf(ExitCode) == "SIGTERM")
            {
                return StageResult.Interrupted;
            }

            var byCode = TrainerExitCode.ResultOf(ExitCode);
            return byCode == StageResult.Succeeded && Outcome is not null ? Outcome.Result : byCode;
        }
    }
}
