namespace VisualPriors.Cli.Trainer;

/// <summary>A trainer's log: a file, and its last lines at hand for when the trainer dies.</summary>
internal sealed class StageLog(string path) : IDisposable
{
    private const int TailLines = 15;
    private readonly StreamWriter _writer = new(path) { AutoFlush = true };
    private readonly Queue<string> _tail = new();
    private readonly Lock _lock = new();

    /// <summary>The file.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The last lines.</summary>
    public string Tail
    {
        get
        {
            lock (_lock)
            {
                return string.Join(Environment.NewLine, _tail);
            }
        }
    }

    /// <summary>Adds a line.</summary>
    public void Add(string line)
    {
        lock (_lock)
        {
            _writer.WriteLine(line);
            _tail.Enqueue(line);
            if (_tail.Count > TailLines)
            {
                _tail.Dequeue();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _writer.Dispose();
        }
    }
}
