namespace VisualPriors.Distributed.Communication;

/// <summary>The first failure of the run that this process saw or heard of: once there is one, no collective can end.</summary>
internal sealed class PeerFailures : IDisposable
{
    private static readonly TimeSpan NewsDelay = TimeSpan.FromMilliseconds(500);
    private readonly ManualResetEventSlim _reported = new();
    private string? _first;
    private volatile string? _reason;

    /// <summary>Hears of the first failure, before <see cref="Reason"/> shows it.</summary>
    public event Action<string>? Reported;

    /// <summary>What happened, naming the rank; null while nothing did.</summary>
    public string? Reason => _reason;

    /// <summary>Remembers a failure; later ones are its consequences and do not count.</summary>
    /// <returns>The one that counts.</returns>
    public string Report(string reason)
    {
        if (Interlocked.CompareExchange(ref _first, reason, null) is null)
        {
            try
            {
                Reported?.Invoke(reason);
            }
            finally
            {
                _reason = reason;
                _reported.Set();
            }
        }

        _reported.Wait();
        return _reason!;
    }

    /// <summary>
    /// A link broke: its other end may have gone because of a third rank, so the news of that is waited for a moment before the
    /// nearest suspect is named.
    /// </summary>
    /// <returns>The failure that counts.</returns>
    public string Explain(string suspicion)
    {
        _reported.Wait(NewsDelay);
        return Report(suspicion);
    }

    /// <inheritdoc/>
    public void Dispose() => _reported.Dispose();
}

/// <summary>Another rank is gone.</summary>
internal sealed class PeerGoneException(string message) : Exception(message);
