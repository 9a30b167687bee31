using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Lets one of several replicas act, by a Lease. Survives renewals that fail, until the deadline; gives the lease back when it ends, so that
/// the next takes over at once.
/// </summary>
public sealed class LeaderElector(KubernetesConnection connection, LeaderElectionOptions options, ILogger<LeaderElector> logger)
{
    private readonly KubernetesConnection _connection = connection;
    private readonly LeaderElectionOptions _options = options;
    private readonly ILogger<LeaderElector> _logger = logger;

    /// <summary>Whether this process may act now: the last renewal is younger than the deadline, by a clock that no one can set.</summary>
    public bool IsLeader => throw new NotImplementedException();

    /// <summary>Waits for leadership, runs the work, gives the lease back after the work has ended.</summary>
    /// <param name="work">Its token ends at shutdown, and when leadership is lost.</param>
    /// <param name="cancellationToken">Shutdown.</param>
    /// <exception cref="LeadershipLostException">The lease was lost; the work has been told and has ended.</exception>
    public Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken) => throw new NotImplementedException();
}
