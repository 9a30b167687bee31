using System.Buffers.Binary;
using System.Text;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Notices at once when a process of the run ends: the connections by which all joined stay open, the master watches over everybody and
/// passes on what it sees. Ring neighbours alone would each blame the next.
/// </summary>
internal sealed class PeerWatch : IDisposable
{
    private const byte Goodbye = 1;
    private const byte Failure = 2;
    private const int MaximumTextLength = 4096;
    private static readonly TimeSpan MessageTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How long its thread may take to end: whoever hears of a failure may hang.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyList<PeerLink> _links;
    private readonly PeerFailures _failures;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly Lock _sending = new();

    /// <summary>Watches.</summary>
    /// <param name="links">On the master one to each other rank, elsewhere one to the master.</param>
    /// <param name="failures">Told of what is seen; what others tell it is passed on.</param>
    public PeerWatch(IReadOnlyList<PeerLink> links, PeerFailures failures)
    {
        _links = links;
        _failures = failures;
        failures.Reported += PassOn;
        _thread = new Thread(Watch) { IsBackground = true, Name = "peer watch" };
        _thread.Start();
    }

    /// <summary>Says goodbye, so that the end of this process alarms nobody, and stops watching.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _failures.Reported -= PassOn;
        Tell([Goodbye]);
        if (_thread.Join(StopTimeout))
        {
            _stop.Dispose();
        }
    }

    private static byte[] Message(string reason)
    {
        var text = Encoding.UTF8.GetBytes(reason);
        Array.Resize(ref text, Math.Min(text.Length, MaximumTextLength));
        var message = new byte[3 + text.Length];
        message[0] = Failure;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(1), (ushort)text.Length);
        text.CopyTo(message, 3);
        return message;
    }

    private void PassOn(string reason) => Tell(Message(reason));

    private void Tell(byte[] message)
    {
        lock (_sending)
        {
            foreach (var link in _links)
            {
                try
                {
                    link.Send(message, new Patience(MessageTimeout, null, CancellationToken.None));
                }
                catch (Exception e) when (e is IOException or TimeoutException)
                {
                    // It is gone, which is then what the others hear of.
                }
            }
        }
    }

    private unsafe void Watch()
    {
        var open = new List<PeerLink>(_links);
        var polls = new Interop.PollDescriptor[open.Count];
        while (!_stop.IsCancellationRequested && open.Count > 0)
        {
            for (var i = 0; i < open.Count; i++)
            {
                polls[i] = new Interop.PollDescriptor { Descriptor = open[i].Descriptor, Events = Interop.LibC.Input };
            }

            fixed (Interop.PollDescriptor* descriptors = polls)
            {
                if (Interop.LibC.Poll(descriptors, (nuint)open.Count, 50) <= 0)
                {
                    continue;
                }
            }

            for (var i = open.Count - 1; i >= 0; i--)
            {
                if (polls[i].Returned != 0 && !Hear(open[i]))
                {
                    open.RemoveAt(i);
                }
            }
        }
    }

    /// <summary>Reads one message.</summary>
    /// <returns>Whether more can be expected.</returns>
    private bool Hear(PeerLink link)
    {
        try
        {
            var patience = new Patience(MessageTimeout, null, _stop.Token);
            Span<byte> head = stackalloc byte[3];
            link.Receive(head[..1], patience);
            if (head[0] != Failure)
            {
                return false;
            }

            link.Receive(head[1..], patience);
            var text = new byte[Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(head[1..]), MaximumTextLength + 1)];
            if (text.Length <= MaximumTextLength)
            {
                link.Receive(text, patience);
                _failures.Report(Handshake.Printable(Encoding.UTF8.GetString(text)));
            }

            return text.Length <= MaximumTextLength;
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            _failures.Report($"rank {link.Peer} is gone ({e.Message})");
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
