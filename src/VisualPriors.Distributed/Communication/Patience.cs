namespace VisualPriors.Distributed.Communication;

/// <summary>How long to go on waiting for others: until a time, a cancellation, or news that another rank is gone.</summary>
/// <param name="limit">How long from now.</param>
/// <param name="failures">What is known of ranks that are gone, if that matters here.</param>
/// <param name="cancellationToken">Stops waiting.</param>
internal readonly struct Patience(TimeSpan limit, PeerFailures? failures, CancellationToken cancellationToken)
{
    /// <summary>Longest wait between two looks at whether to go on, in milliseconds.</summary>
    private const int LongestSlice = 20;

    private readonly long _end = Environment.TickCount64 + (long)limit.TotalMilliseconds;

    /// <summary>Milliseconds to wait for something before <see cref="ThrowIfOver"/> is to be called again.</summary>
    public int Slice => (int)Math.Clamp(_end - Environment.TickCount64, 0, LongestSlice);

    /// <summary>The same, but no longer than some time.</summary>
    public Patience AtMost(TimeSpan limit) =>
        new(TimeSpan.FromMilliseconds(Math.Clamp(_end - Environment.TickCount64, 0, (long)limit.TotalMilliseconds)), failures, cancellationToken);

    /// <summary>Stops where that was asked for.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public void ThrowIfCancelled() => cancellationToken.ThrowIfCancellationRequested();

    /// <summary>Stops waiting where there is a reason to.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="PeerGoneException">Another rank is gone.</exception>
    /// <exception cref="TimeoutException">The time is over.</exception>
    public void ThrowIfOver()
    {
        ThrowIfCancelled();
        if (failures?.Reason is { } reason)
        {
            throw new PeerGoneException(reason);
        }

        if (Environment.TickCount64 >= _end)
        {
            throw new TimeoutException();
        }
    }
}
