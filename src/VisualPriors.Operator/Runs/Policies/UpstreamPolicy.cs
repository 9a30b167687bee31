using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Operator.Runs.Policies;

/// <summary>A run waits for the one that it starts from, and fails when that one does.</summary>
internal static class UpstreamPolicy
{
    /// <summary>Decides; null where there is nothing to wait for.</summary>
    public static RunDecision? Decide(RunObservation o)
    {
        if (o.Run!.Upstream is not { } from)
        {
            return null;
        }

        var upstream = $"{from.Kind} {from.Name}";
        return o.Upstream switch
        {
            null => o.Waiting("UpstreamNotFound", $"waits for {upstream}, which does not exist yet"),
            { Phase: RunPhase.Succeeded } => null,
            { Phase: RunPhase.Failed } failed => o.Fail(o.Accepted(), "UpstreamFailed", $"{upstream} failed: {failed.Failure}"),
            _ => o.Waiting("WaitingForUpstream", $"waits for {upstream}"),
        };
    }
}
