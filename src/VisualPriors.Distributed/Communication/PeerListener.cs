using System.Net;
using System.Net.Sockets;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Where other processes of the run connect to. Each connection is heard on a thread of its own, so that one that says nothing keeps no
/// other waiting; who proves to be of the run is kept until it is asked for, all others are refused.
/// </summary>
internal sealed class PeerListener : IDisposable
{
    /// <summary>How long a connection may take to prove who it is.</summary>
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Connections that are heard at once; further ones wait in the system's queue.</summary>
    private const int MaximumHeard = 128;

    /// <summary>Refused connections that are remembered for error messages.</summary>
    private const int MaximumRefusals = 5;

    private readonly RendezvousSettings _settings;
    private readonly byte[] _token;
    private readonly Socket _socket;
    private readonly Thread _thread;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _heard = new(MaximumHeard);
    private readonly object _lock = new();
    private readonly Dictionary<LinkKey, Arrival> _arrivals = [];
    private readonly HashSet<LinkKey> _taken = [];
    private readonly Queue<string> _refusals = new();
    private bool _isClosed;

    /// <summary>Listens.</summary>
    /// <exception cref="SocketException">The address is in use or none of this machine.</exception>
    public PeerListener(RendezvousSettings settings, byte[] token, int port)
    {
        _settings = settings;
        _token = token;
        var address = ListeningAddress(settings.MasterAddress);
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Equals(IPAddress.IPv6Any))
            {
                _socket.DualMode = true;
            }

            _socket.Bind(new IPEndPoint(address, port));
            _socket.Listen(512);
            _socket.Blocking = false;
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        _thread = new Thread(Listen) { IsBackground = true, Name = "peer listener" };
        _thread.Start();
    }

    /// <summary>The port that it listens at.</summary>
    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    /// <summary>The last refused connections and why, for error messages.</summary>
    public IReadOnlyList<string> Refusals
    {
        get
        {
            lock (_lock)
            {
                return [.. _refusals];
            }
        }
    }

    /// <summary>The addresses that a process listens at: a run on one machine keeps to it.</summary>
    internal static IPAddress ListeningAddress(string masterAddress)
    {
        var literal = masterAddress == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(masterAddress, out var address) ? address : null;
        return literal is not null && IPAddress.IsLoopback(literal) ? literal
            : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any
            : IPAddress.Any;
    }

    /// <summary>Waits for a connection and hands it over.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="patience">How long it may take.</param>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public Arrival Take(LinkKey key, in Patience patience)
    {
        lock (_lock)
        {
            while (true)
            {
                if (_arrivals.Remove(key, out var arrival))
                {
                    _taken.Add(key);
                    return arrival;
                }

                if (!Monitor.Wait(_lock, patience.Slice))
                {
                    patience.ThrowIfOver();
                }
            }
        }
    }

    /// <summary>Ranks that have not joined; those that joined and went away again count as such.</summary>
    public IReadOnlyList<int> MissingRanks()
    {
        lock (_lock)
        {
            return [.. Enumerable.Range(1, _settings.WorldSize - 1).Where(rank => !HasJoined(LinkKey.Join(rank)))];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        _stop.Cancel();
        _thread.Join();
        _socket.Dispose();

        // Threads that still hear somebody see the cancellation at their next look.
        for (var i = 0; i < MaximumHeard; i++)
        {
            _heard.Wait();
        }

        foreach (var arrival in _arrivals.Values)
        {
            arrival.Link.Dispose();
        }

        _heard.Dispose();
        _stop.Dispose();
    }

    private unsafe void Listen()
    {
        while (!_stop.IsCancellationRequested)
        {
            var poll = new Interop.PollDescriptor { Descriptor = (int)_socket.Handle, Events = Interop.LibC.Input };
            if (Interop.LibC.Poll(&poll, 1, 50) <= 0)
            {
                continue;
            }

            try
            {
                _heard.Wait(_stop.Token);
                Accept();
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Takes one connection out of the queue; a thread of its own gives the place among those heard back.</summary>
    private void Accept()
    {
        Socket? socket = null;
        try
        {
            socket = _socket.Accept();
            var accepted = socket;
            new Thread(() => Hear(accepted)) { IsBackground = true, Name = "peer handshake" }.Start();
        }
        catch (Exception e) when (e is SocketException or OutOfMemoryException)
        {
            // It hung up while it waited (or there is no room for it): the next one may fare better.
            socket?.Dispose();
            _heard.Release();
        }
    }

    private void Hear(Socket socket)
    {
        var isAdmitted = false;
        var from = "?";
        try
        {
            from = $"{socket.RemoteEndPoint}";
            var link = new PeerLink(socket);
            var patience = new Patience(HandshakeTimeout, null, _stop.Token);
            var hello = Handshake.Hear(link, _settings.Attempt, _settings.WorldSize, _token, patience, out var welcome);
            link.Peer = hello.Rank;
            from = $"rank {hello.Rank} at {from}";
            Admit(link, hello, welcome, patience);
            isAdmitted = true;
        }
        catch (Exception e) when (e is RefusedException or StrangerException)
        {
            Remember($"{from}: {e.Message}");
        }
        catch (TimeoutException)
        {
            Remember($"{from}: it did not say who it is within {HandshakeTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // Hung up, or this process ends: nobody is left to refuse.
        }
        finally
        {
            if (!isAdmitted)
            {
                socket.Dispose();
            }

            _heard.Release();
        }
    }

    private void Admit(PeerLink link, in Hello hello, byte[] welcome, in Patience patience)
    {
        string? objection;

        // The lock is held until the place is taken: of two processes with one rank exactly one gets it.
        lock (_lock)
        {
            objection = Objection(hello);
            if (objection is null)
            {
                Handshake.Welcome(link, welcome, patience);
                if (_arrivals.Remove(hello.Key, out var gone))
                {
                    gone.Link.Dispose();
                }

                _arrivals.Add(hello.Key, new Arrival(link, hello.Port));
                Monitor.PulseAll(_lock);
                return;
            }
        }

        throw Handshake.Refused(link, Refusal.Final, objection, patience);
    }

    private string? Objection(in Hello hello) => hello.Purpose switch
    {
        LinkPurpose.Join when _settings.Rank != 0 => "this is not the master",
        LinkPurpose.Join when hello.Rank == 0 || HasJoined(hello.Key) => $"rank {hello.Rank} has joined already",
        LinkPurpose.Channel or LinkPurpose.Ring when HasJoined(hello.Key) => $"rank {hello.Rank} has made this connection already",
        LinkPurpose.Join or LinkPurpose.Channel or LinkPurpose.Ring => null,
        _ => $"its purpose {(byte)hello.Purpose} is not known",
    };

    /// <summary>Whether a place is taken. One that came and died before it was asked for makes room for the process started in its place.</summary>
    private bool HasJoined(LinkKey key) => _taken.Contains(key) || (_arrivals.TryGetValue(key, out var arrival) && !arrival.Link.IsClosed);

    private void Remember(string refusal)
    {
        lock (_lock)
        {
            if (_refusals.Count == MaximumRefusals)
            {
                _refusals.Dequeue();
            }

            _refusals.Enqueue(refusal);
        }
    }

    /// <summary>A connection that was let in.</summary>
    /// <param name="Link">The connection.</param>
    /// <param name="Port">Where its process can be connected to, if it said so.</param>
    internal sealed record Arrival(PeerLink Link, int Port);
}
