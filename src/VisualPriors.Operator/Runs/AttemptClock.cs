namespace VisualPriors.Operator.Runs;

/// <summary>
/// Times of attempts, to the millisecond. They fence checkpoints, so each is later than the one before, even where both fall together or the
/// clock was set back.
/// </summary>
internal sealed class AttemptClock(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _last;

    /// <summary>The time of an attempt that begins now.</summary>
    public DateTimeOffset Next()
    {
        lock (_lock)
        {
            _last = Math.Max(_last + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
            return DateTimeOffset.FromUnixTimeMilliseconds(_last);
        }
    }
}
