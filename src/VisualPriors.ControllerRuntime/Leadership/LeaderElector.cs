using System.Runtime.ExceptionServices;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Lets one of several replicas act, by a Lease. Survives renewals that fail, until the deadline; gives the lease back when the work has
/// ended, so that the next takes over at once. Needs the verbs get, create and update on the Lease.
/// </summary>
public sealed class LeaderElector
{
    private const long Never = long.MinValue;

    private readonly LeaderElectionOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ResourceClient<V1Lease> _leases;

    /// <summary>The lease as last read, and when its holder last gave a sign of life, by our own clock: clocks of others are not to be trusted.</summary>
    private V1Lease? _seen;

    private long _seenAt = Never;

    /// <summary>When the last renewal that succeeded was sent.</summary>
    private long _renewedAt = Never;

    /// <param name="connection">To the API server.</param>
    /// <param name="options">Lease and times.</param>
    /// <param name="logger">Logs.</param>
    public LeaderElector(KubernetesConnection connection, LeaderElectionOptions options, ILogger<LeaderElector> logger)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        if (options.RenewPeriod >= options.RenewDeadline || options.RenewDeadline >= options.LeaseDuration)
        {
            throw new ArgumentException("the renew period must be below the renew deadline, and that below the lease's duration", nameof(options));
        }
        _options = options;
        _logger = logger;
        _time = connection.Time;
        // On slots of its own: the lease does not stand in line behind the work.
        _leases = new(new KubernetesConnection(connection.Client, connection.Time));
    }

    /// <summary>Whether this process may act now: the last renewal is younger than the deadline, by a clock that no one can set.</summary>
    public bool IsLeader => Volatile.Read(ref _renewedAt) is var renewed and not Never && _time.GetElapsedTime(renewed) < _options.RenewDeadline;

    /// <summary>Waits for leadership, runs the work while renewing, gives the lease back after the work has ended.</summary>
    /// <param name="work">Its token ends when leadership is lost. On shutdown it must end by itself: the lease is kept until it has.</param>
    /// <param name="cancellationToken">Shutdown.</param>
    /// <exception cref="LeadershipLostException">The lease was lost; the work has been told and has ended.</exception>
    /// <exception cref="OperationCanceledException">Shutdown came before leadership.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        await AcquireAsync(cancellationToken).ConfigureAwait(false);
        _logger.LogInformation("{Identity} leads", _options.Identity);
        ControllerMetrics.IsLeader.Set(1);
        using var lost = new CancellationTokenSource();
        using var ended = new CancellationTokenSource();
        var renewing = RenewAsync(lost, ended.Token);
        var failure = await FailureOfAsync(work, lost.Token).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        var reason = await renewing.ConfigureAwait(false);
        ControllerMetrics.IsLeader.Set(0);
        Volatile.Write(ref _renewedAt, Never);
        if (reason is not null)
        {
            throw new LeadershipLostException(reason);
        }
        await ReleaseAsync().ConfigureAwait(false);
        failure?.Throw();
    }

    private static async Task<ExceptionDispatchInfo?> FailureOfAsync(Func<CancellationToken, Task> work, CancellationToken lost)
    {
        try
        {
            await work(lost).ConfigureAwait(false);
            return null;
        }
        catch (Exception error)
        {
            return ExceptionDispatchInfo.Capture(error);
        }
    }

    private async Task AcquireAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await LookAsync(cancellationToken).ConfigureAwait(false);
                if (LeaseRules.MayTake(_seen?.Spec, _options.Identity, _time.GetElapsedTime(_seenAt)))
                {
                    // From before the request was sent: others count from when they see it.
                    var sent = _time.GetTimestamp();
                    await WriteAsync(LeaseRules.Taken(_seen, _options, _time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
                    Volatile.Write(ref _renewedAt, sent);
                    return;
                }
            }
            catch (KubernetesApiException error) when (error.IsConflict)
            {
                _logger.LogDebug("Another was quicker to take the lease");
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                _logger.LogWarning("The lease cannot be had: {Error}", error.Message);
            }
            await Task.Delay(_options.PollPeriod * (0.8 + (0.2 * Random.Shared.NextDouble())), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Renews until the work has ended or the deadline is over.</summary>
    /// <returns>Why leadership was lost; null when the work has ended.</returns>
    private async Task<string?> RenewAsync(CancellationTokenSource lost, CancellationToken ended)
    {
        string? reason = null;
        var wait = _options.RenewPeriod;
        using var deadline = new CancellationTokenSource(Left(), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ended);
        while (reason is null && !either.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(wait, _time, either.Token).ConfigureAwait(false);
                wait = _options.RenewPeriod / 4;
                var sent = _time.GetTimestamp();
                // A renewal under way is not cut off when the work ends: it might count, and the release would not know.
                await WriteAsync(LeaseRules.Renewed(_seen!, _options, _time.GetUtcNow()), deadline.Token).ConfigureAwait(false);
                Volatile.Write(ref _renewedAt, sent);
                deadline.CancelAfter(Left());
                wait = _options.RenewPeriod;
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                // The loop's condition sees it.
            }
            catch (KubernetesApiException error) when (error.IsConflict)
            {
                reason = await HolderAsync(either.Token).ConfigureAwait(false) is { } holder ? $"{holder} has taken the lease" : null;
            }
            catch (Exception error)
            {
                _logger.LogWarning("Renewing the lease failed, {Left} are left: {Error}", Left(), error.Message);
            }
        }
        if (ended.IsCancellationRequested && reason is null)
        {
            return null;
        }
        reason ??= $"the lease was not renewed within {_options.RenewDeadline}";
        _logger.LogError("Leadership is lost: {Reason}", reason);
        Volatile.Write(ref _renewedAt, 0);
        await lost.CancelAsync().ConfigureAwait(false);
        return reason;
    }

    /// <summary>After a conflict: whether the lease is another's. It may be our own write whose answer was lost.</summary>
    private async Task<string?> HolderAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(cancellationToken).ConfigureAwait(false);
            return _seen?.Spec?.HolderIdentity == _options.Identity ? null : _seen?.Spec?.HolderIdentity ?? "(nobody)";
        }
        catch (Exception error)
        {
            _logger.LogWarning("The lease cannot be read: {Error}", error.Message);
            return null;
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            try
            {
                await WriteAsync(LeaseRules.Released(_seen!, _time.GetUtcNow()), CancellationToken.None).ConfigureAwait(false);
            }
            catch (KubernetesApiException error) when (error.IsConflict)
            {
                // Our last renewal counted, though its answer was lost.
                if (await HolderAsync(CancellationToken.None).ConfigureAwait(false) is { } holder)
                {
                    throw new LeadershipLostException($"{holder} holds it");
                }
                await WriteAsync(LeaseRules.Released(_seen!, _time.GetUtcNow()), CancellationToken.None).ConfigureAwait(false);
            }
            _logger.LogInformation("{Identity} has given the lease back", _options.Identity);
        }
        catch (Exception error)
        {
            _logger.LogWarning("The lease was not given back, it runs out by itself: {Error}", error.Message);
        }
    }

    /// <summary>What is left until the renew deadline.</summary>
    private TimeSpan Left()
    {
        var left = _options.RenewDeadline - _time.GetElapsedTime(Volatile.Read(ref _renewedAt));
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var lease = await BoundedAsync(
            bounded => _leases.GetAsync(_options.Namespace, _options.Name, bounded), cancellationToken).ConfigureAwait(false);
        if (lease?.Metadata.ResourceVersion != _seen?.Metadata.ResourceVersion || _seenAt == Never)
        {
            _seenAt = _time.GetTimestamp();
        }
        _seen = lease;
    }

    private async Task WriteAsync(V1Lease lease, CancellationToken cancellationToken)
    {
        lease.Metadata.Name = _options.Name;
        lease.Metadata.NamespaceProperty = _options.Namespace;
        _seen = await BoundedAsync(
            bounded => lease.Metadata.ResourceVersion is null
                ? _leases.CreateAsync(lease, cancellationToken: bounded)
                : _leases.ReplaceAsync(lease, bounded),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A request that hangs must leave time for others before the deadline.</summary>
    private async Task<T> BoundedAsync<T>(Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.RenewPeriod, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await request(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {_options.RenewPeriod}");
        }
    }
}
