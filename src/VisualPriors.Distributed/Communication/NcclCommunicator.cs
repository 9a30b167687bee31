using System.Globalization;
using TorchSharp;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Collectives for CUDA tensors by NCCL, on a stream of its own. An operation waits, on the GPU, for what the caller had put on its stream
/// before; the caller's stream waits, on the GPU, where the caller says so. The host waits for neither: a thread looks after errors,
/// lost ranks and operations that do not end, and then aborts. Tested against a library that only records its calls; NCCL itself has not
/// been run with it yet.
/// </summary>
internal sealed class NcclCommunicator : ICommunicator
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a communicator may take to end before it is aborted.</summary>
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    private readonly NcclLibrary _nccl;
    private readonly NcclStreams _cuda;
    private readonly DeviceType _device;
    private readonly int _group;
    private readonly int _worldRank;
    private readonly CollectiveContext _context;
    private readonly nint _cudaContext;
    private readonly nint _communicator;
    private readonly nint _stream;
    private readonly Thread _thread;

    /// <summary>Guards everything below, and the order of calls to NCCL.</summary>
    private readonly object _lock = new();
    private readonly Queue<Operation> _pending = new();
    private long _sequence;
    private long _lastProgress;
    private string? _broken;
    private bool _isDisposed;

    /// <summary>Begins; waits until all ranks of the group have.</summary>
    /// <param name="nccl">NCCL.</param>
    /// <param name="cuda">Streams and events.</param>
    /// <param name="device">Where tensors must be.</param>
    /// <param name="group">The group's number.</param>
    /// <param name="ranks">World ranks of the group.</param>
    /// <param name="rank">This rank's place among them.</param>
    /// <param name="uniqueId">The group's id.</param>
    /// <param name="context">What communicators of a process share.</param>
    /// <exception cref="CollectiveException">Not all ranks came.</exception>
    public NcclCommunicator(
        NcclLibrary nccl, NcclStreams cuda, DeviceType device, int group, IReadOnlyList<int> ranks, int rank, byte[] uniqueId, CollectiveContext context)
    {
        _nccl = nccl;
        _cuda = cuda;
        _device = device;
        _group = group;
        _worldRank = ranks[rank];
        _context = context;
        Rank = rank;
        Size = ranks.Count;
        _cudaContext = cuda.CurrentContext();
        _stream = cuda.CreateStream();
        try
        {
            _communicator = nccl.CreateCommunicator(Size, uniqueId, rank);
            Settle($"the beginning of group {group}");
        }
        catch
        {
            if (_communicator != 0)
            {
                nccl.Abort(_communicator);
            }

            cuda.DestroyStream(_stream);
            throw;
        }

        _thread = new Thread(Watch) { IsBackground = true, Name = $"watch over group {group}" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public Collective AllReduce(Tensor buffer)
    {
        var type = Check(buffer, nameof(buffer));
        return Begin("all-reduce", buffer, buffer, (send, receive) =>
            _nccl.AllReduce(send, receive, buffer.numel(), type, _communicator, _stream));
    }

    /// <inheritdoc/>
    public Collective ReduceScatter(Tensor input, Tensor output)
    {
        var type = CheckParts(input, output, nameof(input), nameof(output));
        return Begin("reduce-scatter", input, output, (send, receive) =>
            _nccl.ReduceScatter(send, receive, output.numel(), type, _communicator, _stream));
    }

    /// <inheritdoc/>
    public Collective AllGather(Tensor input, Tensor output)
    {
        var type = CheckParts(output, input, nameof(output), nameof(input));
        return Begin("all-gather", input, output, (send, receive) =>
            _nccl.AllGather(send, receive, input.numel(), type, _communicator, _stream));
    }

    /// <inheritdoc/>
    public Collective Broadcast(Tensor buffer, int root)
    {
        var type = Check(buffer, nameof(buffer));
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        return Begin("broadcast", buffer, buffer, (send, receive) =>
            _nccl.Broadcast(send, receive, buffer.numel(), type, root, _communicator, _stream));
    }

    /// <summary>Ends after what is under way, if that ends soon; else at once.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            Monitor.PulseAll(_lock);
        }

        _thread.Join();
        if (_broken is null)
        {
            try
            {
                _nccl.FinalizeCommunicator(_communicator);
                for (var end = new Patience(EndTimeout, _context.Failures, CancellationToken.None); !_nccl.IsSettled(_communicator); Thread.Sleep(1))
                {
                    end.ThrowIfOver();
                }

                _nccl.Destroy(_communicator);
            }
            catch (Exception e) when (e is InvalidOperationException or TimeoutException or PeerGoneException)
            {
                _nccl.Abort(_communicator);
            }
        }

        while (_pending.TryDequeue(out var operation))
        {
            operation.Free();
        }

        _cuda.DestroyStream(_stream);
    }

    private NcclType Check(Tensor tensor, string name) =>
        tensor.device_type == _device && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16 && tensor.is_contiguous()
            ? tensor.dtype == ScalarType.Float32 ? NcclType.Fp32 : NcclType.Bf16
            : throw new ArgumentException($"a {(tensor.is_contiguous() ? "" : "non-contiguous ")}{tensor.dtype} tensor on {tensor.device_type}, expected a contiguous fp32 or bf16 one on {_device}", name);

    private NcclType CheckParts(Tensor whole, Tensor part, string wholeName, string partName)
    {
        Check(part, partName);
        return whole.dtype == part.dtype && whole.numel() == part.numel() * Size
            ? Check(whole, wholeName)
            : throw new ArgumentException(
                $"{part.numel()} elements of {part.dtype}, expected one of {Size} parts of {whole.numel()} elements of {whole.dtype}", partName);
    }

    private Operation Begin(string name, Tensor input, Tensor output, Action<nint, nint> call)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            ThrowIfBroken();
            var bytes = Math.Max(input.numel(), output.numel()) * input.element_size();
            var number = ++_sequence;
            var step = _context.Recorder.Step;
            var title = new Title(name, number, _group, step, bytes, input.dtype);
            var ticket = _context.Recorder.Ask(_group, name, number, bytes);
            var ready = _cuda.RecordEvent(_cuda.CurrentStream());
            try
            {
                _cuda.WaitFor(_stream, ready);
            }
            finally
            {
                _cuda.DestroyEvent(ready);
            }

            nint done;
            try
            {
                call(Address(input), Address(output));
                Settle(title);
                done = _cuda.RecordEvent(_stream);
            }
            catch (InvalidOperationException e)
            {
                throw Break($"{title} cannot be begun on rank {_worldRank}: {_context.Failures.Explain($"rank {_worldRank}: {e.Message}")}", e);
            }
            catch (CollectiveException e)
            {
                throw Break(e.Message, e);
            }

            _context.Recorder.Start(ticket);
            var operation = new Operation(this, title, ticket, done, input, output);
            _pending.Enqueue(operation);
            return operation;
        }
    }

    private static unsafe nint Address(Tensor tensor) => (nint)TensorMemory.Address(tensor);

    /// <summary>Waits until NCCL has taken a call in: that means neighbours that answer, not a GPU that has done it.</summary>
    private void Settle<T>(T what)
    {
        try
        {
            for (var patience = new Patience(_context.Timeout, _context.Failures, CancellationToken.None); !_nccl.IsSettled(_communicator); Thread.Yield())
            {
                patience.ThrowIfOver();
            }
        }
        catch (PeerGoneException e)
        {
            throw new CollectiveException($"{what} cannot end on rank {_worldRank}: {e.Message}{Record}", e);
        }
        catch (TimeoutException e)
        {
            throw new CollectiveException($"{what}: {_context.Failures.Report(TooLate($"{what}"))}{Record}", e);
        }
    }

    private string Record => _context.FlightRecordPath is { } path ? $"; flight record: {path}" : "";

    private string TooLate(string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{what} did not end within {_context.Timeout.TotalSeconds:0.#} s on rank {_worldRank}");

    private void ThrowIfBroken()
    {
        if (_broken is not null)
        {
            throw new CollectiveException(_broken);
        }
    }

    /// <summary>Aborts: kernels that wait for a lost rank would keep the GPU, and whoever waits for it, for ever. The lock is held.</summary>
    private CollectiveException Break(string reason, Exception? cause)
    {
        if (_broken is null)
        {
            _broken = reason;
            _nccl.Abort(_communicator);
        }

        return new CollectiveException(_broken, cause);
    }

    private void Watch()
    {
        _cuda.UseContext(_cudaContext);
        lock (_lock)
        {
            while (!_isDisposed)
            {
                Look();
                Monitor.Wait(_lock, LookInterval);
            }
        }
    }

    /// <summary>Takes note of what has ended, and breaks off what will not end.</summary>
    private void Look()
    {
        if (_broken is not null)
        {
            return;
        }

        try
        {
            while (_pending.TryPeek(out var operation) && _cuda.HasHappened(operation.Done))
            {
                _pending.Dequeue().End();
                _context.Recorder.End(operation.Ticket);
                _lastProgress = Environment.TickCount64;
            }

            _nccl.IsSettled(_communicator);
        }
        catch (InvalidOperationException e)
        {
            Break($"group {_group} is broken on rank {_worldRank}: {_context.Failures.Explain($"rank {_worldRank}: {e.Message}")}{Record}", e);
            return;
        }

        if (!_pending.TryPeek(out var oldest))
        {
            return;
        }

        if (_context.Failures.Reason is { } reason)
        {
            Break($"{oldest.Title} cannot end on rank {_worldRank}: {reason}{Record}", null);
        }
        else if (Environment.TickCount64 - Math.Max(oldest.Begun, _lastProgress) > _context.Timeout.TotalMilliseconds)
        {
            Break($"{oldest.Title} cannot end on rank {_worldRank}: {_context.Failures.Report(TooLate($"{oldest.Title}"))}{Record}", null);
        }
    }

    /// <summary>What an operation is called in messages.</summary>
    private readonly record struct Title(string Name, long Number, int Group, long Step, long Bytes, ScalarType Type)
    {
        public override string ToString() => $"{Name} number {Number} of group {Group} (step {Step}, {Bytes} bytes of {Type})";
    }

    /// <summary>An operation on the stream. It owns the tensors' memory too until it has ended, whatever the caller does with its own.</summary>
    private sealed class Operation(NcclCommunicator communicator, Title title, long ticket, nint done, Tensor input, Tensor output) : Collective
    {
        private readonly Tensor _input = input.detach().DetachFromDisposeScope();
        private readonly Tensor _output = output.detach().DetachFromDisposeScope();
        private bool _hasEnded;

        public Title Title => title;

        public long Ticket => ticket;

        public nint Done => done;

        public long Begun { get; } = Environment.TickCount64;

        public override void Wait()
        {
            lock (communicator._lock)
            {
                if (_hasEnded)
                {
                    return;
                }

                communicator.ThrowIfBroken();
                if (communicator._isDisposed)
                {
                    throw new CollectiveException($"{title} was given up: its communicator was disposed of");
                }

                communicator._cuda.WaitFor(communicator._cuda.CurrentStream(), done);
            }
        }

        /// <summary>It has ended well. The lock is held.</summary>
        public void End()
        {
            _hasEnded = true;
            Free();
        }

        /// <summary>Lets go of event and memory; once.</summary>
        public void Free()
        {
            communicator._cuda.DestroyEvent(done);
            _input.Dispose();
            _output.Dispose();
        }
    }
}
