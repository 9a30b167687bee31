namespace VisualPriors.ControllerRuntime;

/// <summary>Keys by the time they are due: one timer for all, set to the earliest. Not safe for several threads at once.</summary>
internal sealed class DelayedKeys<TKey> : IDisposable
    where TKey : notnull
{
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly PriorityQueue<TKey, long> _order = new();
    private readonly Dictionary<TKey, long> _due = [];

    /// <param name="time">Clock.</param>
    /// <param name="onDue">Called when a key may be due; takes them with <see cref="TakeDue"/>.</param>
    public DelayedKeys(TimeProvider time, Action onDue)
    {
        _time = time;
        _timer = time.CreateTimer(_ => onDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count => _due.Count;

    /// <summary>Files a key; of two times the earlier counts.</summary>
    public void Add(TKey key, TimeSpan delay)
    {
        var due = _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);
        if (_due.TryGetValue(key, out var earlier) && earlier <= due)
        {
            return;
        }
        _due[key] = due;
        _order.Enqueue(key, due);
        if (_order.Peek().Equals(key))
        {
            SetTimer();
        }
    }

    public void Remove(TKey key) => _due.Remove(key);

    /// <summary>Takes the keys whose time has come, the earliest first.</summary>
    public IReadOnlyList<TKey> TakeDue()
    {
        var taken = new List<TKey>();
        var now = _time.GetTimestamp();
        while (_order.TryPeek(out var key, out var due) && (due <= now || IsStale(key, due)))
        {
            _order.Dequeue();
            if (!IsStale(key, due))
            {
                _due.Remove(key);
                taken.Add(key);
            }
        }
        SetTimer();
        return taken;
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Removing from the middle of a heap is dear: what was removed or moved stays in it until its time.</summary>
    private bool IsStale(TKey key, long due) => !_due.TryGetValue(key, out var current) || current != due;

    private void SetTimer()
    {
        if (!_order.TryPeek(out _, out var due))
        {
            return;
        }
        // Rounded up to the timer's own grain: a timer that rings just before the time would ring again and again.
        var wait = Math.Ceiling((due - _time.GetTimestamp()) * 1000.0 / _time.TimestampFrequency);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }
}
