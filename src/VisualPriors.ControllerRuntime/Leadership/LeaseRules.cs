using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Who may take a lease, and what is written into it.</summary>
internal static class LeaseRules
{
    /// <summary>Whether the lease is free: there is none, nobody holds it, we do, or its holder gave no sign for as long as it said.</summary>
    /// <param name="spec">The lease; null where there is none.</param>
    /// <param name="identity">Ours.</param>
    /// <param name="unchanged">How long we have seen it without a change.</param>
    public static bool MayTake(V1LeaseSpec? spec, string identity, TimeSpan unchanged) =>
        spec is null
        || string.IsNullOrEmpty(spec.HolderIdentity)
        || spec.HolderIdentity == identity
        || unchanged > TimeSpan.FromSeconds(spec.LeaseDurationSeconds ?? 0);

    /// <summary>Taken over: one more transition. The version in it makes the server refuse it if another was quicker.</summary>
    public static V1Lease Taken(V1Lease? before, LeaderElectionOptions options, DateTimeOffset now) => new()
    {
        Metadata = new V1ObjectMeta { ResourceVersion = before?.Metadata.ResourceVersion, Labels = before?.Metadata.Labels },
        Spec = new V1LeaseSpec
        {
            HolderIdentity = options.Identity,
            LeaseDurationSeconds = (int)Math.Ceiling(options.LeaseDuration.TotalSeconds),
            AcquireTime = now.UtcDateTime,
            RenewTime = now.UtcDateTime,
            LeaseTransitions = (before?.Spec?.LeaseTransitions ?? -1) + 1,
        },
    };

    /// <summary>Held on.</summary>
    public static V1Lease Renewed(V1Lease before, LeaderElectionOptions options, DateTimeOffset now) => before with
    {
        Spec = before.Spec with
        {
            HolderIdentity = options.Identity,
            LeaseDurationSeconds = (int)Math.Ceiling(options.LeaseDuration.TotalSeconds),
            RenewTime = now.UtcDateTime,
        },
    };

    /// <summary>Given back: nobody's. Not empty of times, so that clients that count from them take it at once, too.</summary>
    public static V1Lease Released(V1Lease before, DateTimeOffset now) => before with
    {
        Spec = before.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = now.UtcDateTime },
    };
}
