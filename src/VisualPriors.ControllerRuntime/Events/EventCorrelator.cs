namespace VisualPriors.ControllerRuntime;

/// <summary>An event's object, as events refer to it.</summary>
internal readonly record struct EventSubject(string ApiVersion, string Kind, string? Namespace, string Name, string? Uid, string? ResourceVersion);

/// <summary>Something that happened to an object.</summary>
internal sealed record RecordedEvent(EventSubject Subject, string Type, string Reason, string Message, DateTimeOffset Time);

/// <summary>What becomes of an event.</summary>
internal enum EventDecision
{
    /// <summary>It is written as a new one.</summary>
    Create,

    /// <summary>It is one more of an event that is written already.</summary>
    Count,

    /// <summary>Its object has too many.</summary>
    Limit,
}

/// <summary>An event that is, or is to be, written.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Times">How often it happened.</param>
/// <param name="First">When first.</param>
/// <param name="Last">When last.</param>
internal sealed record WrittenEvent(string Name, int Times, DateTimeOffset First, DateTimeOffset Last);

/// <summary>Counts events that repeat and bounds how many an object may have. Not safe for several threads at once.</summary>
internal sealed class EventCorrelator
{
    /// <summary>What happens again within this is the same event. As in client-go.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    /// <summary>Writes for one object at once. As in client-go.</summary>
    private const double Burst = 25;

    /// <summary>Afterwards one write each minute. INFERRED: client-go's five minutes hide what a run does in its last hour.</summary>
    private static readonly TimeSpan Refill = TimeSpan.FromMinutes(1);

    /// <summary>Events and objects remembered. As in client-go.</summary>
    private const int Capacity = 4096;

    private readonly Dictionary<(EventSubject Subject, string Type, string Reason, string Message), WrittenEvent> _events = [];
    private readonly Dictionary<EventSubject, (double Tokens, DateTimeOffset At)> _buckets = [];

    /// <summary>What becomes of an event.</summary>
    public (EventDecision Decision, WrittenEvent Event) Decide(RecordedEvent recorded)
    {
        var subject = recorded.Subject with { ResourceVersion = null };
        var key = (subject, recorded.Type, recorded.Reason, recorded.Message);
        var repeated = _events.TryGetValue(key, out var before) && recorded.Time - before.Last <= Window;
        var written = repeated
            ? before! with { Times = before.Times + 1, Last = recorded.Time }
            : new WrittenEvent(NameFor(subject, recorded.Time), 1, recorded.Time, recorded.Time);
        if (!TakeToken(subject, recorded.Time))
        {
            if (repeated)
            {
                // Counted all the same: the next write tells the whole number.
                _events[key] = written;
            }
            return (EventDecision.Limit, written);
        }
        _events[key] = written;
        Trim(recorded.Time);
        return (repeated ? EventDecision.Count : EventDecision.Create, written);
    }

    private static string NameFor(EventSubject subject, DateTimeOffset time)
    {
        // As client-go names them; 253 characters are the most that a name may have.
        var name = subject.Name.Length <= 200 ? subject.Name : subject.Name[..200].TrimEnd('.', '-');
        return $"{name}.{time.UtcTicks:x}{Random.Shared.Next(0x10000):x4}";
    }

    private bool TakeToken(EventSubject subject, DateTimeOffset now)
    {
        var tokens = _buckets.TryGetValue(subject, out var bucket) ? Math.Min(Burst, bucket.Tokens + ((now - bucket.At) / Refill)) : Burst;
        var allowed = tokens >= 1;
        _buckets[subject] = (allowed ? tokens - 1 : tokens, now);
        return allowed;
    }

    private void Trim(DateTimeOffset now)
    {
        if (_events.Count > Capacity)
        {
            Forget(_events, written => written.Last, now);
        }
        if (_buckets.Count > Capacity)
        {
            Forget(_buckets, bucket => bucket.At, now);
        }
    }

    /// <summary>Forgets what is past its time, and half of the rest where that is not enough.</summary>
    private static void Forget<TKey, TValue>(Dictionary<TKey, TValue> remembered, Func<TValue, DateTimeOffset> last, DateTimeOffset now)
        where TKey : notnull
    {
        var ordered = remembered.OrderBy(item => last(item.Value)).ToList();
        for (var i = 0; i < ordered.Count && (i < Capacity / 2 || now - last(ordered[i].Value) > Window); i++)
        {
            remembered.Remove(ordered[i].Key);
        }
    }
}
