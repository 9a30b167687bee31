namespace VisualPriors.ControllerRuntime;

/// <summary>The lease that replicas compete for, and its times (client-go's, but for the poll).</summary>
public sealed record LeaderElectionOptions
{
    /// <summary>Namespace of the Lease.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name of the Lease.</summary>
    public required string Name { get; init; }

    /// <summary>Who we are in the Lease: unique to this process, so that a restarted pod never takes its former self's lease for its own.</summary>
    public string Identity { get; init; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>How long others wait after the last renewal that they saw.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the leader goes on without a renewal. What lies between this and <see cref="LeaseDuration"/> is for its last requests to end.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between renewals, and the most that one may take before it is tried again.</summary>
    public TimeSpan RenewPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time between a standby's looks at the Lease. Bounds the hand-over after a release.</summary>
    public TimeSpan PollPeriod { get; init; } = TimeSpan.FromSeconds(1);
}
