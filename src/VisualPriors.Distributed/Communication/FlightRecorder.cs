using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VisualPriors.Distributed.Communication;

/// <summary>The last collectives of this process, for the post-mortem of one that hangs.</summary>
public sealed class FlightRecorder
{
    /// <summary>How many are remembered.</summary>
    public const int Capacity = 256;

    /// <summary>The group of what is among all hosts.</summary>
    internal const int NoGroup = -1;

    private readonly Lock _lock = new();
    private readonly Entry[] _entries = new Entry[Capacity];
    private long _count;
    private long _step;

    /// <summary>The optimizer step that what follows belongs to, counted from 1; 0 before the first.</summary>
    public long Step
    {
        get => Volatile.Read(ref _step);
        set => Volatile.Write(ref _step, value);
    }

    /// <summary>Writes what is remembered as JSON, oldest first.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="rank">This process's rank.</param>
    /// <param name="reason">Why it is written.</param>
    public void Write(string path, int rank, string reason)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(Snapshot(rank, reason), FlightRecordJson.Default.FlightRecord));
    }

    /// <summary>Remembers an operation that was asked for.</summary>
    /// <param name="group">Its group.</param>
    /// <param name="operation">Its name; a constant.</param>
    /// <param name="sequence">Its number in the group, from 1.</param>
    /// <param name="bytes">Size of the whole buffer.</param>
    /// <returns>A ticket for <see cref="Start"/> and <see cref="End"/>.</returns>
    internal long Ask(int group, string operation, long sequence, long bytes)
    {
        lock (_lock)
        {
            var ticket = _count++;
            _entries[ticket % Capacity] = new Entry
            {
                Ticket = ticket,
                Group = group,
                Operation = operation,
                Sequence = sequence,
                Bytes = bytes,
                Step = Step,
                Asked = Stopwatch.GetTimestamp(),
            };
            return ticket;
        }
    }

    /// <summary>The operation runs.</summary>
    internal void Start(long ticket)
    {
        lock (_lock)
        {
            ref var entry = ref _entries[ticket % Capacity];
            if (entry.Ticket == ticket)
            {
                entry.Started = Stopwatch.GetTimestamp();
            }
        }
    }

    /// <summary>The operation ended as it should.</summary>
    internal void End(long ticket)
    {
        lock (_lock)
        {
            ref var entry = ref _entries[ticket % Capacity];
            if (entry.Ticket == ticket)
            {
                entry.Ended = Stopwatch.GetTimestamp();
            }
        }
    }

    private FlightRecord Snapshot(int rank, string reason)
    {
        lock (_lock)
        {
            var now = DateTimeOffset.UtcNow;
            var ticks = Stopwatch.GetTimestamp();
            DateTimeOffset? At(long timestamp) => timestamp == 0 ? null : now - Stopwatch.GetElapsedTime(timestamp, ticks);
            var records = new List<FlightRecordEntry>();
            for (var ticket = Math.Max(0, _count - Capacity); ticket < _count; ticket++)
            {
                var entry = _entries[ticket % Capacity];
                records.Add(new FlightRecordEntry
                {
                    Sequence = entry.Sequence,
                    Group = entry.Group,
                    Operation = entry.Operation,
                    Bytes = entry.Bytes,
                    Step = entry.Step,
                    Asked = At(entry.Asked)!.Value,
                    Started = At(entry.Started),
                    Ended = At(entry.Ended),
                });
            }

            return new FlightRecord { Version = FlightRecord.CurrentVersion, Rank = rank, Reason = reason, Written = now, Step = Step, Collectives = records };
        }
    }

    private struct Entry
    {
        public long Ticket;
        public int Group;
        public string Operation;
        public long Sequence;
        public long Bytes;
        public long Step;
        public long Asked;
        public long Started;
        public long Ended;
    }
}

/// <summary>What a flight record's file holds.</summary>
internal sealed record FlightRecord
{
    /// <summary>The only version that there is.</summary>
    public const int CurrentVersion = 1;

    public required int Version { get; init; }

    public required int Rank { get; init; }

    public required string Reason { get; init; }

    public required DateTimeOffset Written { get; init; }

    public required long Step { get; init; }

    public required IReadOnlyList<FlightRecordEntry> Collectives { get; init; }
}

/// <summary>One collective.</summary>
internal sealed record FlightRecordEntry
{
    public required long Sequence { get; init; }

    public required int Group { get; init; }

    public required string Operation { get; init; }

    public required long Bytes { get; init; }

    public required long Step { get; init; }

    public required DateTimeOffset Asked { get; init; }

    /// <summary>Null while it waits for those before it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Null when it did not end.</summary>
    public DateTimeOffset? Ended { get; init; }
}

/// <summary>A flight record's JSON shape.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(FlightRecord))]
internal sealed partial class FlightRecordJson : JsonSerializerContext;
