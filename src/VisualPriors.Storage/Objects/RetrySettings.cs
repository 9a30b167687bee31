namespace VisualPriors.Storage.Objects;

/// <summary>How long a failing store is tried again.</summary>
internal sealed record RetrySettings
{
    /// <summary>What programs use: long enough for a storage node's restart, short enough that a job whose store is gone ends.</summary>
    public static RetrySettings Default { get; } = new()
    {
        FirstDelay = TimeSpan.FromSeconds(0.5),
        MaximumDelay = TimeSpan.FromSeconds(20),
        TryTime = TimeSpan.FromSeconds(100),
        TotalTime = TimeSpan.FromMinutes(5),
    };

    /// <summary>Longest wait before the second try; doubles with every further one.</summary>
    public required TimeSpan FirstDelay { get; init; }

    /// <summary>Longest wait between two tries, unless the store asks for more.</summary>
    public required TimeSpan MaximumDelay { get; init; }

    /// <summary>Time for one try.</summary>
    public required TimeSpan TryTime { get; init; }

    /// <summary>Time for all tries of one operation.</summary>
    public required TimeSpan TotalTime { get; init; }

    /// <summary>The wait after a failed try: exponential with jitter, so that many clients do not come back at once; never less than the store asks for.</summary>
    /// <param name="tries">Tries so far.</param>
    /// <param name="jitter">Random, in [0, 1).</param>
    /// <param name="retryAfter">What the store asks for.</param>
    public TimeSpan DelayAfter(int tries, double jitter, TimeSpan? retryAfter)
    {
        var longest = Math.Min(MaximumDelay.TotalSeconds, FirstDelay.TotalSeconds * Math.Pow(2, Math.Min(tries - 1, 30)));
        var delay = TimeSpan.FromSeconds(longest * (1 + jitter) / 2);
        return retryAfter > delay ? retryAfter.Value : delay;
    }
}
