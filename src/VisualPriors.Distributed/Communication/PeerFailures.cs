namespace VisualPriors.Distributed.Communication;

/// <summary>The first failure of the run that this process saw or heard of: once there is one, no collective can end.</summary>
internal sealed class PeerFailures
{
    private static readonly TimeSpan NewsDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>How long those who hear of a failure first may take before others go on without them (a file system may hang too).</summary>
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(5);

    private readonly object _lock = new();
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
        if (Interlocked.CompareExchange(ref _first, reason, null) is { } first)
        {
            Wait(ReportDelay);
            return first;
        }

        try
        {
            Reported?.Invoke(reason);
        }
        finally
        {
            lock (_lock)
            {
                _reason = reason;
                Monitor.PulseAll(_lock);
            }
        }

        return reason;
    }

    /// <summary>
    /// A link broke: its other end may have gone because of a third rank, so the news of that is waited for a moment before the
    /// nearest suspect is named.
    /// </summary>
    /// <returns>The failure that counts.</returns>
    public string Explain(string suspicion)
    {
        Wait(NewsDelay);
        return Report(suspicion);
    }

    private void Wait(TimeSpan limit)
    {
        lock (_lock)
        {
            if (_reason is null)
            {
                Monitor.Wait(_lock, limit);
            }
        }
    }
}

/// <summary>Another rank is gone.</summary>
internal sealed class PeerGoneException(string message) : Exception(message);
