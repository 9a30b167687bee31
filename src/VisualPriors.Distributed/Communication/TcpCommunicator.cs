using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Collectives for CPU tensors over TCP: ranks form a ring, each sends to the next and receives from the one before. A thread of its own
/// does that, straight from and into the tensors' memory. Each part of a sum is added up by one chain of ranks and then copied, so all end
/// with the same bits; an all-reduce has those of a reduce-scatter followed by an all-gather (where parts are of one size).
/// </summary>
internal sealed unsafe class TcpCommunicator : ICommunicator
{
    private const int HeaderLength = 40;
    private const uint HeaderMagic = 0x4C435056;

    /// <summary>How much longer than its timeout an operation may take until its thread counts as stuck.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly int _group;
    private readonly int _worldRank;
    private readonly PeerLink _next;
    private readonly PeerLink _previous;
    private readonly CollectiveContext _context;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Operation> _queue = new();
    private readonly Thread _thread;
    private long _sequence;
    private long _runningSince;
    private volatile string? _broken;

    /// <summary>Begins.</summary>
    /// <param name="group">The group's number.</param>
    /// <param name="ranks">World ranks of the group.</param>
    /// <param name="rank">This rank's place among them.</param>
    /// <param name="next">Connection to the next rank; belongs to the communicator from now on.</param>
    /// <param name="previous">Connection from the rank before; belongs to the communicator from now on.</param>
    /// <param name="context">What communicators of a process share.</param>
    public TcpCommunicator(int group, IReadOnlyList<int> ranks, int rank, PeerLink next, PeerLink previous, CollectiveContext context)
    {
        _group = group;
        _worldRank = ranks[rank];
        Rank = rank;
        Size = ranks.Count;
        _next = next;
        _previous = previous;
        _context = context;
        _thread = new Thread(Work) { IsBackground = true, Name = $"collectives of group {group}" };
        _thread.Start();
    }

    private enum Kind : byte
    {
        AllReduce,
        ReduceScatter,
        AllGather,
        Broadcast,
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public Collective AllReduce(Tensor buffer)
    {
        Check(buffer, nameof(buffer));
        return Ask(new Operation(this, Kind.AllReduce, buffer, buffer, 0));
    }

    /// <inheritdoc/>
    public Collective ReduceScatter(Tensor input, Tensor output)
    {
        CheckParts(input, output, nameof(input), nameof(output));
        return Ask(new Operation(this, Kind.ReduceScatter, input, output, 0));
    }

    /// <inheritdoc/>
    public Collective AllGather(Tensor input, Tensor output)
    {
        CheckParts(output, input, nameof(output), nameof(input));
        return Ask(new Operation(this, Kind.AllGather, output, input, 0));
    }

    /// <inheritdoc/>
    public Collective Broadcast(Tensor buffer, int root)
    {
        Check(buffer, nameof(buffer));
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        return Ask(new Operation(this, Kind.Broadcast, buffer, buffer, root));
    }

    /// <summary>Ends; operations that still run are given up.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            _stop.Cancel();
            Monitor.PulseAll(_queue);
        }

        // A thread that is stuck in the system is left to the end of the process.
        if (_thread.Join(Grace))
        {
            _stop.Dispose();
            _next.Dispose();
            _previous.Dispose();
        }
    }

    private static string Name(Kind kind) => kind switch
    {
        Kind.AllReduce => "all-reduce",
        Kind.ReduceScatter => "reduce-scatter",
        Kind.AllGather => "all-gather",
        _ => "broadcast",
    };

    private static void Check(Tensor tensor, string name)
    {
        if (tensor.device_type != DeviceType.CPU || tensor.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || !tensor.is_contiguous())
        {
            throw new ArgumentException($"a {(tensor.is_contiguous() ? "" : "non-contiguous ")}{tensor.dtype} tensor on {tensor.device_type}, expected a contiguous fp32 or bf16 one on a CPU", name);
        }
    }

    private void CheckParts(Tensor whole, Tensor part, string wholeName, string partName)
    {
        Check(whole, wholeName);
        Check(part, partName);
        if (whole.dtype != part.dtype || whole.numel() != part.numel() * Size)
        {
            throw new ArgumentException(
                $"{part.numel()} elements of {part.dtype}, expected one of {Size} parts of {whole.numel()} elements of {whole.dtype}", partName);
        }
    }

    private Operation Ask(Operation operation)
    {
        lock (_queue)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (_broken is not null)
            {
                operation.End(_broken);
                throw new CollectiveException(_broken);
            }

            operation.Sequence = ++_sequence;
            operation.Ticket = _context.Recorder.Ask(_group, Name(operation.Kind), operation.Sequence, operation.Bytes);
            operation.Step = _context.Recorder.Step;
            _queue.Enqueue(operation);
            Monitor.PulseAll(_queue);
        }

        return operation;
    }

    private void Work()
    {
        var scratch = (byte*)NativeMemory.AlignedAlloc(Ring.ScratchBytes, 64);
        try
        {
            while (Next() is { } operation)
            {
                var failure = _broken;
                if (failure is null)
                {
                    Volatile.Write(ref _runningSince, Environment.TickCount64);
                    failure = Run(operation, scratch);
                    Volatile.Write(ref _runningSince, 0);
                    _broken = failure;
                }

                operation.End(failure);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(scratch);
        }
    }

    /// <summary>The next operation; null once there is none and there will be none.</summary>
    private Operation? Next()
    {
        lock (_queue)
        {
            while (true)
            {
                if (_queue.TryDequeue(out var operation))
                {
                    return operation;
                }

                if (_stop.IsCancellationRequested)
                {
                    return null;
                }

                Monitor.Wait(_queue);
            }
        }
    }

    /// <summary>Runs an operation.</summary>
    /// <returns>Why it could not end; null when it did.</returns>
    private string? Run(Operation operation, byte* scratch)
    {
        var isJoined = false;
        try
        {
            _context.Recorder.Start(operation.Ticket);
            var patience = new Patience(_context.Timeout, _context.Failures, _stop.Token);
            patience.ThrowIfOver();
            Agree(operation, patience);
            isJoined = true;
            Plan(operation).Run(_next, _previous, scratch, patience);
            _context.Recorder.End(operation.Ticket);
            return null;
        }
        catch (PeerGoneException e)
        {
            return Describe(operation, e.Message);
        }
        catch (IOException e)
        {
            return Describe(operation, _context.Failures.Explain(e.Message));
        }
        catch (TimeoutException)
        {
            var reason = string.Create(
                CultureInfo.InvariantCulture,
                $"it did not end within {_context.Timeout.TotalSeconds:0.#} s on rank {_worldRank}: {(isJoined ? $"rank {_previous.Peer} began it too, but its data stopped coming" : $"rank {_previous.Peer} has not begun it")}");
            return Describe(operation, _context.Failures.Report($"{operation}: {reason}"));
        }
        catch (OperationCanceledException)
        {
            return $"{operation} was given up: its communicator was disposed of";
        }
    }

    private string Describe(Operation operation, string reason) =>
        $"{operation} cannot end on rank {_worldRank}: {reason}{(_context.FlightRecordPath is { } path ? $"; flight record: {path}" : "")}";

    /// <summary>Neighbours tell each other what they begin: a mismatch would end in a wrong sum, or hang.</summary>
    private void Agree(Operation operation, in Patience patience)
    {
        Span<byte> mine = stackalloc byte[HeaderLength];
        Span<byte> theirs = stackalloc byte[HeaderLength];
        BinaryPrimitives.WriteUInt32LittleEndian(mine, HeaderMagic);
        BinaryPrimitives.WriteInt32LittleEndian(mine[4..], (int)operation.Kind);
        BinaryPrimitives.WriteInt64LittleEndian(mine[8..], operation.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(mine[16..], operation.Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(mine[24..], (int)operation.Type);
        BinaryPrimitives.WriteInt32LittleEndian(mine[28..], operation.Root);
        BinaryPrimitives.WriteInt64LittleEndian(mine[32..], _group);
        try
        {
            _next.Send(mine, patience);
        }
        catch (IOException e)
        {
            throw new IOException($"rank {_next.Peer} is gone ({e.Message})", e);
        }

        try
        {
            _previous.Receive(theirs, patience);
        }
        catch (IOException e)
        {
            throw new IOException($"rank {_previous.Peer} is gone ({e.Message})", e);
        }

        if (!mine.SequenceEqual(theirs))
        {
            var kind = Name((Kind)BinaryPrimitives.ReadInt32LittleEndian(theirs[4..]));
            throw new IOException(
                $"rank {_previous.Peer} does something else at this place: {kind} number {BinaryPrimitives.ReadInt64LittleEndian(theirs[8..])} of {BinaryPrimitives.ReadInt64LittleEndian(theirs[16..])} bytes");
        }
    }

    private Ring Plan(Operation operation)
    {
        var ring = new Ring { Buffer = operation.Whole, Type = operation.Type, Count = operation.Count, Parts = Size, First = Rank - 1, Begins = true };
        var steps = Size - 1;
        switch (operation.Kind)
        {
            case Kind.AllReduce:
                return ring with { SendSteps = 2 * steps, ReceiveSteps = 2 * steps, SumSteps = steps };
            case Kind.ReduceScatter:
                return ring with { SendSteps = steps, ReceiveSteps = steps, SumSteps = steps, Result = operation.Part };
            case Kind.AllGather:
                var bytes = operation.Bytes / Size;
                var own = operation.Whole + (Rank * bytes);
                if (own != operation.Part)
                {
                    System.Buffer.MemoryCopy(operation.Part, own, bytes, bytes);
                }

                return ring with { First = Rank, SendSteps = steps, ReceiveSteps = steps };
            default:
                var isRoot = Rank == operation.Root;
                var isLast = (Rank + 1) % Size == operation.Root;
                return ring with { Parts = 1, First = 0, Begins = isRoot, SendSteps = isLast ? 0 : 1, ReceiveSteps = isRoot ? 0 : 1 };
        }
    }

    /// <summary>An operation in the queue. It owns the tensors' memory too until it ends, whatever the caller does with its own.</summary>
    private sealed class Operation : Collective
    {
        private readonly TcpCommunicator _communicator;
        private readonly Tensor _whole;
        private readonly Tensor _part;
        private bool _isOver;
        private string? _failure;

        public Operation(TcpCommunicator communicator, Kind kind, Tensor whole, Tensor part, int root)
        {
            _communicator = communicator;
            _whole = whole.detach().DetachFromDisposeScope();
            _part = ReferenceEquals(whole, part) ? _whole : part.detach().DetachFromDisposeScope();
            Kind = kind;
            Root = root;
            Type = whole.dtype;
            Count = whole.numel();
            Whole = (byte*)TensorMemory.Address(_whole);
            Part = (byte*)TensorMemory.Address(_part);
        }

        public Kind Kind { get; }

        public int Root { get; }

        public ScalarType Type { get; }

        /// <summary>Elements of the whole buffer.</summary>
        public long Count { get; }

        public long Bytes => Count * Ring.SizeOf(Type);

        public byte* Whole { get; }

        public byte* Part { get; }

        public long Sequence { get; set; }

        public long Step { get; set; }

        public long Ticket { get; set; }

        public override void Wait()
        {
            lock (_whole)
            {
                while (!_isOver)
                {
                    if (!Monitor.Wait(_whole, TimeSpan.FromSeconds(1)))
                    {
                        _communicator.ThrowIfStuck(this);
                    }
                }
            }

            if (_failure is not null)
            {
                throw new CollectiveException(_failure);
            }
        }

        public void End(string? failure)
        {
            lock (_whole)
            {
                _failure = failure;
                _isOver = true;
                Monitor.PulseAll(_whole);
            }

            _whole.Dispose();
            _part.Dispose();
        }

        public override string ToString() =>
            $"{Name(Kind)} number {Sequence} of group {_communicator._group} (step {Step}, {Bytes} bytes of {Type})";
    }

    private void ThrowIfStuck(Operation operation)
    {
        var since = Volatile.Read(ref _runningSince);
        if (since != 0 && Environment.TickCount64 - since > (_context.Timeout + Grace).TotalMilliseconds)
        {
            throw new CollectiveException(Describe(operation, _context.Failures.Report($"the thread that communicates on rank {_worldRank} is stuck")));
        }
    }
}
