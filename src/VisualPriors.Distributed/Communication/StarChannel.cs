using System.Buffers.Binary;
using System.Globalization;

namespace VisualPriors.Distributed.Communication;

/// <summary>A host channel over TCP: all send to rank 0, which sends everybody everything.</summary>
/// <param name="name">What it is for, for errors.</param>
/// <param name="rank">This rank.</param>
/// <param name="links">On rank 0 those to the others in the order of ranks, elsewhere the one to rank 0.</param>
/// <param name="size">All ranks.</param>
/// <param name="timeout">How long a call may wait for the others.</param>
/// <param name="failures">What is known of ranks that are gone.</param>
/// <param name="recorder">Remembers calls.</param>
internal sealed class StarChannel(
    string name, int rank, IReadOnlyList<PeerLink> links, int size, TimeSpan timeout, PeerFailures failures, FlightRecorder recorder) : HostChannel
{
    private readonly string _operation = $"all-gather of the {name} channel";
    private const int HeadLength = sizeof(long) + sizeof(int);
    private const int SmallMessageBytes = 1 << 18;
    private readonly byte[] _head = new byte[HeadLength];
    private readonly Incoming[] _incoming = [.. links.Select(link => new Incoming(link))];
    private readonly Interop.PollDescriptor[] _polls = new Interop.PollDescriptor[links.Count];
    private long _calls;
    private string? _broken;

    /// <inheritdoc/>
    public override byte[][] AllGather(ReadOnlySpan<byte> message, CancellationToken cancellationToken)
    {
        if (message.Length > MaximumMessageBytes)
        {
            throw new ArgumentException($"a message of {message.Length} bytes, at most {MaximumMessageBytes} fit");
        }

        if (_broken is not null)
        {
            throw new CollectiveException(_broken);
        }

        _calls++;
        var patience = new Patience(timeout, failures, cancellationToken);
        var ticket = recorder.Ask(FlightRecorder.NoGroup, _operation, _calls, message.Length);
        recorder.Start(ticket);
        try
        {
            patience.ThrowIfOver();
            var messages = rank == 0 ? Collect(message, patience) : Contribute(message, patience);
            recorder.End(ticket);
            return messages;
        }
        catch (OperationCanceledException)
        {
            _broken = $"{Title} was given up earlier";
            throw;
        }
        catch (Exception e) when (e is PeerGoneException or IOException or TimeoutException)
        {
            var reason = e switch
            {
                PeerGoneException => e.Message,
                IOException => failures.Explain(e.Message),
                _ => failures.Report(string.Create(
                    CultureInfo.InvariantCulture, $"rank {rank} waited {timeout.TotalSeconds:0.#} s in {Title} for {Missing()}")),
            };
            _broken = $"{Title} cannot end on rank {rank}: {reason}";
            throw new CollectiveException(_broken, e);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var link in links)
        {
            link.Dispose();
        }
    }

    private string Title => $"all-gather {_calls} of the {name} channel";

    private string Missing() => rank != 0
        ? "rank 0"
        : $"rank {string.Join(", ", _incoming.Where(incoming => !incoming.IsWhole).Select(incoming => incoming.Link.Peer))}";

    private byte[][] Collect(ReadOnlySpan<byte> message, Patience patience)
    {
        var messages = new byte[size][];
        messages[0] = message.ToArray();
        Array.ForEach(_incoming, incoming => incoming.Begin());
        while (true)
        {
            var isWhole = true;
            foreach (var incoming in _incoming)
            {
                isWhole &= incoming.IsWhole || Named(incoming.Link, () => incoming.Receive(_calls));
            }

            if (isWhole)
            {
                break;
            }

            WaitForAny(patience);
        }

        foreach (var incoming in _incoming)
        {
            messages[incoming.Link.Peer] = incoming.Message;
        }

        var answer = Join(messages);
        foreach (var link in links)
        {
            try
            {
                answer.ForEach(piece => link.Send(piece, patience));
            }
            catch (IOException e)
            {
                throw Gone(link, e);
            }
        }

        return messages;
    }

    /// <summary>Messages with their heads, small ones put together: a packet each would be a square number of them.</summary>
    private List<byte[]> Join(byte[][] messages)
    {
        var pieces = new List<byte[]>();
        var small = new MemoryStream();
        foreach (var message in messages)
        {
            WriteHead(message.Length);
            small.Write(_head);
            if (message.Length < SmallMessageBytes)
            {
                small.Write(message);
            }

            if (message.Length >= SmallMessageBytes || small.Length >= SmallMessageBytes)
            {
                pieces.Add(small.ToArray());
                small.SetLength(0);
            }

            if (message.Length >= SmallMessageBytes)
            {
                pieces.Add(message);
            }
        }

        pieces.Add(small.ToArray());
        return pieces;
    }

    private byte[][] Contribute(ReadOnlySpan<byte> message, in Patience patience)
    {
        var link = links[0];
        var messages = new byte[size][];
        try
        {
            WriteHead(message.Length);
            link.Send(_head, patience);
            link.Send(message, patience);
            for (var i = 0; i < size; i++)
            {
                link.Receive(_head, patience);
                messages[i] = new byte[ReadHead(_head, _calls)];
                link.Receive(messages[i], patience);
            }
        }
        catch (IOException e)
        {
            throw Gone(link, e);
        }

        return messages;
    }

    private void WriteHead(int length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_head, _calls);
        BinaryPrimitives.WriteInt32LittleEndian(_head.AsSpan(sizeof(long)), length);
    }

    private static int ReadHead(ReadOnlySpan<byte> head, long call)
    {
        var theirs = BinaryPrimitives.ReadInt64LittleEndian(head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head[sizeof(long)..]);
        return theirs != call ? throw new IOException($"it is at call {theirs} of the channel, this rank at call {call}")
            : length is < 0 or > MaximumMessageBytes ? throw new IOException($"it announces a message of {length} bytes, at most {MaximumMessageBytes} fit")
            : length;
    }

    private static IOException Gone(PeerLink link, IOException cause) => new($"rank {link.Peer} is gone ({cause.Message})", cause);

    private static bool Named(PeerLink link, Func<bool> receive)
    {
        try
        {
            return receive();
        }
        catch (IOException e)
        {
            throw Gone(link, e);
        }
    }

    private unsafe void WaitForAny(in Patience patience)
    {
        for (var i = 0; i < _polls.Length; i++)
        {
            _polls[i] = new Interop.PollDescriptor
            {
                Descriptor = _incoming[i].IsWhole ? -1 : _incoming[i].Link.Descriptor,
                Events = Interop.LibC.Input,
            };
        }

        fixed (Interop.PollDescriptor* descriptors = _polls)
        {
            if (Interop.LibC.Poll(descriptors, (nuint)_polls.Length, patience.Slice) <= 0)
            {
                patience.ThrowIfOver();
            }
        }
    }

    /// <summary>A message that arrives piece by piece.</summary>
    private sealed class Incoming(PeerLink link)
    {
        private readonly byte[] _head = new byte[HeadLength];
        private int _headReceived;
        private int _received;

        public PeerLink Link => link;

        public byte[] Message { get; private set; } = [];

        public bool IsWhole => _headReceived == HeadLength && _received == Message.Length;

        public void Begin()
        {
            _headReceived = 0;
            _received = 0;
            Message = [];
        }

        /// <summary>Receives what is there.</summary>
        /// <returns>Whether the message is whole.</returns>
        public bool Receive(long call)
        {
            if (_headReceived < HeadLength)
            {
                _headReceived += link.TryReceive(_head.AsSpan(_headReceived));
                if (_headReceived < HeadLength)
                {
                    return false;
                }

                Message = new byte[ReadHead(_head, call)];
            }

            _received += link.TryReceive(Message.AsSpan(_received));
            return IsWhole;
        }
    }
}
