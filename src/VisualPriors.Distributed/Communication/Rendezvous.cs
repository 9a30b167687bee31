using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VisualPriors.Distributed.Communication;

/// <summary>How the processes of a run find each other: all connect to the master, which lets everybody know of all once they are there.</summary>
internal sealed class Rendezvous : IDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>How long one connection attempt, its handshake included, may take.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(15);

    private readonly RendezvousSettings _settings;
    private readonly byte[] _token;
    private readonly Roster _roster;
    private readonly IPAddress _masterAddress;
    private readonly PeerListener _listener;

    private Rendezvous(
        RendezvousSettings settings, byte[] token, Roster roster, IPAddress masterAddress, PeerListener listener, IReadOnlyList<PeerLink> watches)
    {
        _settings = settings;
        _token = token;
        _roster = roster;
        _masterAddress = masterAddress;
        _listener = listener;
        Watches = watches;
    }

    /// <summary>The connections that everybody joined by: on the master one to each other rank, elsewhere one to the master.</summary>
    public IReadOnlyList<PeerLink> Watches { get; }

    /// <summary>Joins the run.</summary>
    /// <exception cref="RendezvousException">Refused, or not all came in time.</exception>
    public static Rendezvous Join(RendezvousSettings settings, CancellationToken cancellationToken)
    {
        var token = Encoding.UTF8.GetBytes(settings.Token);
        var patience = new Patience(settings.JoinTimeout, null, cancellationToken);
        var isMaster = settings.Rank == 0;
        var listener = Listen(settings, token, isMaster ? settings.MasterPort : 0, patience);
        try
        {
            return isMaster ? Gather(settings, token, listener, patience) : Follow(settings, token, listener, patience);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Connects to another rank.</summary>
    /// <exception cref="IOException">It is not there any more.</exception>
    /// <exception cref="RefusedException">It refuses.</exception>
    public PeerLink Connect(LinkPurpose purpose, int number, int rank, in Patience patience)
    {
        var endpoint = _roster.EndpointOf(rank, _masterAddress);
        PeerLink? link = null;
        try
        {
            link = PeerLink.Connect(endpoint, patience);
            link.Peer = rank;
            var hello = new Hello(purpose, _settings.Attempt, _settings.WorldSize, _settings.Rank, number, 0, _roster.Session);
            Handshake.Introduce(link, hello, _token, patience);
            return link;
        }
        catch (Exception e) when (e is SocketException or StrangerException)
        {
            link?.Dispose();
            throw new IOException($"rank {rank} at {endpoint} cannot be connected to: {e.Message}", e);
        }
        catch
        {
            link?.Dispose();
            throw;
        }
    }

    /// <summary>Waits for another rank's connection.</summary>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public PeerLink Accept(LinkPurpose purpose, int number, int rank, in Patience patience) =>
        _listener.Take(new LinkKey(purpose, number, rank, _roster.Session), patience).Link;

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        foreach (var watch in Watches)
        {
            watch.Dispose();
        }
    }

    /// <summary>A dying process of an earlier attempt may hold the master's port for a moment.</summary>
    private static PeerListener Listen(RendezvousSettings settings, byte[] token, int port, in Patience patience)
    {
        for (var pause = ShortestPause; ; pause = Longer(pause))
        {
            try
            {
                return new PeerListener(settings, token, port);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && port != 0)
            {
                Pause(pause, patience, () => $"port {port} is in use by another process");
            }
            catch (SocketException e)
            {
                throw new RendezvousException($"rank {settings.Rank} cannot listen at port {port}: {e.Message}");
            }
        }
    }

    private static Rendezvous Gather(RendezvousSettings settings, byte[] token, PeerListener listener, in Patience patience)
    {
        var links = new List<PeerLink>();
        try
        {
            var endpoints = new List<IPEndPoint> { new(IPAddress.Loopback, listener.Port) };
            try
            {
                // All must be there before one is taken: until then a place can change hands.
                while (listener.MissingRanks().Count > 0)
                {
                    Thread.Sleep(10);
                    patience.ThrowIfOver();
                }

                for (var rank = 1; rank < settings.WorldSize; rank++)
                {
                    var arrival = listener.Take(LinkKey.Join(rank), patience);
                    links.Add(arrival.Link);
                    endpoints.Add(new IPEndPoint(Plain(arrival.Link.RemoteAddress), arrival.Port));
                }
            }
            catch (TimeoutException)
            {
                var missing = string.Join(", ", listener.MissingRanks());
                var message = string.Create(
                    CultureInfo.InvariantCulture,
                    $"of {settings.WorldSize} ranks these have not joined at {settings.MasterAddress}:{settings.MasterPort} within {settings.JoinTimeout.TotalSeconds:0.#} s: {missing}");
                TellAll(listener, settings, message);
                throw new RendezvousException(
                    listener.Refusals is { Count: > 0 } refusals ? $"{message}. Refused, last of all: {string.Join("; ", refusals)}" : message);
            }

            var roster = new Roster(Guid.NewGuid(), endpoints);
            var bytes = roster.ToBytes();
            foreach (var link in links)
            {
                try
                {
                    link.Send([(byte)Refusal.None, .. bytes], new Patience(AttemptTimeout, null, CancellationToken.None));
                }
                catch (Exception e) when (e is IOException or TimeoutException)
                {
                    throw new RendezvousException($"rank {link.Peer} joined and went away again: {e.Message}");
                }
            }

            return new Rendezvous(settings, token, roster, IPAddress.Loopback, listener, links);
        }
        catch
        {
            links.ForEach(link => link.Dispose());
            throw;
        }
    }

    /// <summary>Lets those that came know that it was in vain.</summary>
    private static void TellAll(PeerListener listener, RendezvousSettings settings, string message)
    {
        var moment = new Patience(TimeSpan.FromSeconds(1), null, CancellationToken.None);
        foreach (var rank in Enumerable.Range(1, settings.WorldSize - 1).Except(listener.MissingRanks()))
        {
            try
            {
                using var link = listener.Take(LinkKey.Join(rank), moment).Link;
                Handshake.Refused(link, Refusal.Final, message, moment);
            }
            catch (Exception e) when (e is IOException or TimeoutException)
            {
                // It will see that the master is gone.
            }
        }
    }

    private static Rendezvous Follow(RendezvousSettings settings, byte[] token, PeerListener listener, in Patience patience)
    {
        var where = $"{settings.MasterAddress}:{settings.MasterPort}";
        var link = FindMaster(settings, token, listener, where, patience);
        try
        {
            Handshake.ReceiveVerdict(link, patience);
            var bytes = new byte[Roster.LengthFor(settings.WorldSize)];
            link.Receive(bytes, patience);
            return new Rendezvous(settings, token, Roster.From(bytes), Plain(link.RemoteAddress), listener, [link]);
        }
        catch (Exception e) when (e is RefusedException or StrangerException or IOException or TimeoutException)
        {
            link.Dispose();
            patience.ThrowIfCancelled();
            throw new RendezvousException(e is TimeoutException
                ? $"rank {settings.Rank} joined at {where}, but not all others did within {settings.JoinTimeout.TotalSeconds:0.#} s"
                : $"rank {settings.Rank} joined at {where}, but the run did not come about: {e.Message}");
        }
        catch
        {
            link.Dispose();
            throw;
        }
    }

    private static PeerLink FindMaster(RendezvousSettings settings, byte[] token, PeerListener listener, string where, in Patience patience)
    {
        var hello = new Hello(
            LinkPurpose.Join, settings.Attempt, settings.WorldSize, settings.Rank, 0, (ushort)listener.Port, Guid.Empty);
        for (var pause = ShortestPause; ; pause = Longer(pause))
        {
            string problem;
            try
            {
                problem = TryAddresses(Resolve(settings, patience), settings.MasterPort, hello, token, patience, out var link);
                if (link is not null)
                {
                    return link;
                }
            }
            catch (SocketException e)
            {
                problem = $"the name does not resolve: {e.Message}";
            }
            catch (RefusedException e)
            {
                throw new RendezvousException($"rank {settings.Rank} is refused at {where}: {e.Message}");
            }
            catch (TimeoutException)
            {
                problem = "the name service does not answer";
            }

            Pause(pause, patience, () => $"rank {settings.Rank} of {settings.WorldSize} cannot join at {where} within {settings.JoinTimeout.TotalSeconds:0.#} s: {problem}");
        }
    }

    /// <summary>Tries a master's addresses one after another.</summary>
    /// <returns>What is wrong with the last one, if nothing came of it.</returns>
    /// <exception cref="RefusedException">The master is there and refuses for good.</exception>
    private static string TryAddresses(
        IPAddress[] addresses, int port, in Hello hello, byte[] token, in Patience patience, out PeerLink? joined)
    {
        var problem = "the name has no address";
        foreach (var address in addresses)
        {
            PeerLink? link = null;
            joined = null;
            try
            {
                var attempt = patience.AtMost(AttemptTimeout);
                link = PeerLink.Connect(new IPEndPoint(address, port), attempt);
                link.Peer = 0;
                Handshake.Introduce(link, hello, token, attempt);
                joined = link;
                return problem;
            }
            catch (TimeoutException)
            {
                problem = "no answer";
            }
            catch (RefusedException e) when (e.Refusal == Refusal.Later)
            {
                problem = e.Message;
            }
            catch (Exception e) when (e is SocketException or IOException or StrangerException)
            {
                problem = e.Message;
            }
            finally
            {
                if (joined is null)
                {
                    link?.Dispose();
                }
            }
        }

        joined = null;
        return problem;
    }

    private static IPAddress[] Resolve(RendezvousSettings settings, in Patience patience)
    {
        if (IPAddress.TryParse(settings.MasterAddress, out var address))
        {
            return [address];
        }

        // The name service has patience of its own, which may be longer than ours.
        using var limit = new CancellationTokenSource(AttemptTimeout);
        try
        {
            return Dns.GetHostAddressesAsync(settings.MasterAddress, limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            patience.ThrowIfOver();
            return [];
        }
    }

    /// <summary>An IPv4 address that a dual-mode socket wrote as an IPv6 one, as IPv4 again.</summary>
    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    private static void Pause(TimeSpan pause, in Patience patience, Func<string> whenOver)
    {
        try
        {
            for (var over = patience.AtMost(pause); over.Slice > 0; Thread.Sleep(over.Slice))
            {
                patience.ThrowIfOver();
            }

            patience.ThrowIfOver();
        }
        catch (TimeoutException)
        {
            throw new RendezvousException(whenOver());
        }
    }
}
