namespace VisualPriors.ControllerRuntime;

/// <summary>What a manager's controllers share.</summary>
public sealed record ControllerManagerOptions
{
    /// <summary>Name of the program: its events' source.</summary>
    public required string Name { get; init; }

    /// <summary>Namespace to work in; null for all.</summary>
    public string? Namespace { get; init; }

    /// <summary>The lease to compete for; null: this process is the only one.</summary>
    public LeaderElectionOptions? LeaderElection { get; init; }

    /// <summary>How long reconciles may go on after shutdown begins. Below Kubernetes' grace period of 30 s.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
