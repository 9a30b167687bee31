using VisualPriors.Operator.Runs.Policies;

namespace VisualPriors.Operator.Runs;

/// <summary>The chain of policies on a run: the first that has something to say decides.</summary>
internal static class RunPolicy
{
    private static readonly Func<RunObservation, RunDecision?>[] Chain =
    [
        FinishedPolicy.Decide,    // it has ended: only its time to live is left
        AcceptancePolicy.Decide,  // its spec breaks a rule, or was changed where it must not be
        SuspensionPolicy.Decide,  // it is held
        AttemptPolicy.Decide,     // pods of the current attempt start, run or have ended
        UpstreamPolicy.Decide,    // it waits for another run, or failed with it
    ];

    /// <summary>The decision; null where an attempt is to be started or completed, which <see cref="StartPolicy"/> decides with a plan at hand.</summary>
    public static RunDecision? Decide(RunObservation observation) =>
        Chain.Select(policy => policy(observation)).FirstOrDefault(decision => decision is not null);
}
