using static TorchSharp.torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// One rank's share of an operation around a ring: a stream of parts is sent to the next rank while another comes in from the one before.
/// Part number <c>First - s</c> (modulo <see cref="Parts"/>) is sent at step s and <c>First - 1 - s</c> is received; what was received at a
/// step is what is sent at the following one, so the sending side may go as far as the receiving side got, a part behind.
/// </summary>
internal readonly unsafe struct Ring
{
    /// <summary>Most bytes sent by one system call: the receiving side gets its turn in between.</summary>
    private const int SendBytes = 1 << 18;

    /// <summary>Bytes of the scratch space: what was received of a sum waits there, and stays in the processor's cache.</summary>
    public const int ScratchBytes = 1 << 18;

    /// <summary>The whole buffer.</summary>
    public byte* Buffer { get; init; }

    /// <summary>Where the last part that is summed goes instead of its place in the buffer; null for that place.</summary>
    public byte* Result { get; init; }

    /// <summary>Type of the elements.</summary>
    public ScalarType Type { get; init; }

    /// <summary>Elements of the whole buffer.</summary>
    public long Count { get; init; }

    /// <summary>How many parts the buffer is cut into.</summary>
    public int Parts { get; init; }

    /// <summary>The part that is sent first.</summary>
    public int First { get; init; }

    /// <summary>Whether this rank has a part to send before it received one.</summary>
    public bool Begins { get; init; }

    /// <summary>Parts to send.</summary>
    public int SendSteps { get; init; }

    /// <summary>Parts to receive.</summary>
    public int ReceiveSteps { get; init; }

    /// <summary>How many of those are added to what is in the buffer, before the others replace it.</summary>
    public int SumSteps { get; init; }

    /// <summary>Bytes of an element.</summary>
    public static int SizeOf(ScalarType type) => type == ScalarType.BFloat16 ? sizeof(ushort) : sizeof(float);

    /// <summary>Does it.</summary>
    /// <exception cref="IOException">A connection broke; the message says whose.</exception>
    public void Run(PeerLink next, PeerLink previous, byte* scratch, in Patience patience)
    {
        int sendStep = 0, receiveStep = 0;
        long sent = 0, received = 0; // of the current step
        var waiting = 0; // bytes in the scratch space
        var sendable = Begins ? Length(First) : 0;
        while (true)
        {
            while (sendStep < SendSteps && sent == Length(First - sendStep))
            {
                sendStep++;
                sent = 0;
            }

            while (receiveStep < ReceiveSteps && received == Length(First - 1 - receiveStep))
            {
                receiveStep++;
                received = 0;
            }

            var mayReceive = receiveStep < ReceiveSteps;
            if (!mayReceive && sendStep == SendSteps)
            {
                return;
            }

            var toSend = sendStep < SendSteps ? (int)Math.Min(Math.Min(sendable, Length(First - sendStep) - sent), SendBytes) : 0;
            var moved = 0;
            if (toSend > 0)
            {
                moved = TrySend(next, At(First - sendStep) + sent, toSend);
                sent += moved;
                sendable -= moved;
            }

            if (mayReceive)
            {
                var part = First - 1 - receiveStep;
                if (receiveStep >= SumSteps)
                {
                    var got = TryReceive(previous, At(part) + received, (int)Math.Min(Length(part) - received, int.MaxValue));
                    received += got;
                    sendable += got;
                    moved += got;
                }
                else
                {
                    var got = TryReceive(previous, scratch + waiting, (int)Math.Min(Length(part) - received - waiting, ScratchBytes - waiting));
                    moved += got;
                    waiting += got;
                    var elements = waiting / SizeOf(Type);
                    var whole = elements * SizeOf(Type);
                    var place = At(part) + received;
                    Add(receiveStep == SumSteps - 1 && Result != null ? Result + received : place, place, scratch, elements);
                    waiting -= whole;
                    new ReadOnlySpan<byte>(scratch + whole, waiting).CopyTo(new Span<byte>(scratch, waiting));
                    received += whole;
                    sendable += whole;
                }
            }

            if (moved == 0)
            {
                Wait(toSend > 0 ? next : null, mayReceive ? previous : null, patience);
            }
        }
    }

    private static int TrySend(PeerLink link, byte* data, int count)
    {
        try
        {
            return link.TrySend(new ReadOnlySpan<byte>(data, count));
        }
        catch (IOException e)
        {
            throw Gone(link, e);
        }
    }

    private static int TryReceive(PeerLink link, byte* destination, int count)
    {
        try
        {
            return link.TryReceive(new Span<byte>(destination, count));
        }
        catch (IOException e)
        {
            throw Gone(link, e);
        }
    }

    private static IOException Gone(PeerLink link, IOException cause) => new($"rank {link.Peer} is gone ({cause.Message})", cause);

    private static void Wait(PeerLink? next, PeerLink? previous, in Patience patience)
    {
        var polls = stackalloc Interop.PollDescriptor[2];
        polls[0] = new Interop.PollDescriptor { Descriptor = next?.Descriptor ?? -1, Events = Interop.LibC.Output };
        polls[1] = new Interop.PollDescriptor { Descriptor = previous?.Descriptor ?? -1, Events = Interop.LibC.Input };
        if (Interop.LibC.Poll(polls, 2, patience.Slice) <= 0)
        {
            patience.ThrowIfOver();
        }
    }

    private void Add(byte* destination, byte* left, byte* right, long elements)
    {
        if (Type == ScalarType.BFloat16)
        {
            Summation.AddBFloat16((ushort*)destination, (ushort*)left, (ushort*)right, elements);
        }
        else
        {
            Summation.Add((float*)destination, (float*)left, (float*)right, elements);
        }
    }

    private long Begin(int part) => Count * part / Parts * SizeOf(Type);

    private int Wrapped(int part) => ((part % Parts) + Parts) % Parts;

    private byte* At(int part) => Buffer + Begin(Wrapped(part));

    private long Length(int part) => Begin(Wrapped(part) + 1) - Begin(Wrapped(part));
}
