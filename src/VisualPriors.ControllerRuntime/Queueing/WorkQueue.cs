using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Keys to work on. A key is queued once however often it is added, is never with two workers, and comes back once if it was added while
/// worked on. Failures are retried without end, ever later.
/// </summary>
/// <typeparam name="TKey">Key.</typeparam>
[SuppressMessage("Naming", "CA1711", Justification = "It is a queue, and the field's name for it.")]
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    /// <summary>After so many urgent keys one of the others is taken, so that a busy cluster cannot starve them. INFERRED.</summary>
    private const int HighPerLow = 8;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ControllerOptions _options;
    private readonly Func<double> _random;
    private readonly Dictionary<TKey, State> _states = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly Queue<TKey> _high = new();
    private readonly Queue<TKey> _low = new();
    private readonly DelayedKeys<TKey> _delayed;

    /// <summary>One token for each key that waits: workers sleep on it, no one polls.</summary>
    private readonly Channel<bool> _tokens = Channel.CreateUnbounded<bool>();

    private int _highInARow;

    /// <param name="options">Name in metrics and back-off.</param>
    /// <param name="time">Clock.</param>
    public WorkQueue(ControllerOptions options, TimeProvider time)
        : this(options, time, Random.Shared.NextDouble)
    {
    }

    /// <param name="options">Name in metrics and back-off.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">0 to 1, for back-off.</param>
    internal WorkQueue(ControllerOptions options, TimeProvider time, Func<double> random)
    {
        _options = options;
        _time = time;
        _random = random;
        _delayed = new(time, TakeDue);
    }

    /// <summary>Keys that wait to be worked on, those not yet due left out.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _tokens.Reader.Count;
            }
        }
    }

    /// <summary>Keys whose time has not come.</summary>
    public int DelayedCount
    {
        get
        {
            lock (_lock)
            {
                return _delayed.Count;
            }
        }
    }

    private string Name => _options.Name ?? "unnamed";

    /// <summary>Queues a key now.</summary>
    public void Add(TKey key, WorkPriority priority = WorkPriority.High)
    {
        lock (_lock)
        {
            AddLocked(key, priority);
        }
    }

    /// <summary>Queues a key after a while; of several times the earliest counts. Taking the key to work on it forgets them: its result says anew.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            if (delay <= TimeSpan.Zero)
            {
                AddLocked(key, WorkPriority.High);
                return;
            }
            _delayed.Add(key, delay);
        }
    }

    /// <summary>Queues a key again after a failure, each time later.</summary>
    /// <param name="key">The key.</param>
    /// <param name="ceiling">Wait no longer than this; null: the options' maximum.</param>
    /// <returns>The wait.</returns>
    public TimeSpan AddRateLimited(TKey key, TimeSpan? ceiling = null)
    {
        lock (_lock)
        {
            var failures = _failures.GetValueOrDefault(key);
            _failures[key] = failures + 1;
            var wait = BackOff.Exponential(failures, _options.BackOffBase, ceiling ?? _options.BackOffMaximum, _random());
            ControllerMetrics.Retries.WithLabels(Name).Inc();
            _delayed.Add(key, wait);
            return wait;
        }
    }

    /// <summary>Forgets a key's failures.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            _failures.Remove(key);
        }
    }

    /// <summary>Waits for a key to work on; null when the queue is shut down.</summary>
    public async ValueTask<WorkItem<TKey>?> TakeAsync(CancellationToken cancellationToken = default)
    {
        while (await _tokens.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            lock (_lock)
            {
                if (_tokens.Reader.TryRead(out _))
                {
                    return TakeLocked();
                }
            }
        }
        return null;
    }

    /// <summary>The worker is done with a key.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (!_states.TryGetValue(key, out var state) || !state.Processing)
            {
                return;
            }
            _states.Remove(key);
            if (state.Dirty)
            {
                AddLocked(key, state.Priority);
            }
        }
    }

    /// <summary>Takes no more keys in and gives none out; workers that wait get null.</summary>
    public void ShutDown()
    {
        lock (_lock)
        {
            _tokens.Writer.TryComplete();
            while (_tokens.Reader.TryRead(out _))
            {
            }
            _high.Clear();
            _low.Clear();
            ControllerMetrics.QueueDepth.WithLabels(Name).Set(0);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        ShutDown();
        _delayed.Dispose();
    }

    private void AddLocked(TKey key, WorkPriority priority)
    {
        if (!_states.TryGetValue(key, out var state))
        {
            if (!_tokens.Writer.TryWrite(true))
            {
                return;
            }
            _states[key] = new State { Priority = priority, Since = _time.GetTimestamp() };
            (priority == WorkPriority.High ? _high : _low).Enqueue(key);
            ControllerMetrics.QueueDepth.WithLabels(Name).Set(_tokens.Reader.Count);
        }
        else if (state.Processing)
        {
            state.Priority = state.Dirty && state.Priority > priority ? state.Priority : priority;
            state.Dirty = true;
        }
        else if (priority > state.Priority)
        {
            // Its place among the others stays behind, empty: see NextLocked.
            state.Priority = priority;
            _high.Enqueue(key);
        }
    }

    private WorkItem<TKey> TakeLocked()
    {
        var key = NextLocked();
        var state = _states[key];
        state.Processing = true;
        state.Dirty = false;
        _delayed.Remove(key);
        var waited = _time.GetElapsedTime(state.Since);
        ControllerMetrics.QueueDepth.WithLabels(Name).Set(_tokens.Reader.Count);
        ControllerMetrics.QueueSeconds.WithLabels(Name).Observe(waited.TotalSeconds);
        return new(key, state.Priority, waited);
    }

    private TKey NextLocked()
    {
        DropMoved();
        if (_low.Count > 0 && (_high.Count == 0 || _highInARow >= HighPerLow))
        {
            _highInARow = 0;
            return _low.Dequeue();
        }
        _highInARow++;
        return _high.Dequeue();
    }

    /// <summary>Keys that were made urgent while they waited leave an empty place.</summary>
    private void DropMoved()
    {
        while (_low.TryPeek(out var key) && !(_states.TryGetValue(key, out var state) && state is { Processing: false, Priority: WorkPriority.Low }))
        {
            _low.Dequeue();
        }
    }

    private void TakeDue()
    {
        lock (_lock)
        {
            foreach (var key in _delayed.TakeDue())
            {
                AddLocked(key, WorkPriority.High);
            }
        }
    }

    private sealed class State
    {
        public WorkPriority Priority { get; set; }

        public bool Processing { get; set; }

        /// <summary>Added again while worked on.</summary>
        public bool Dirty { get; set; }

        public long Since { get; init; }
    }
}
