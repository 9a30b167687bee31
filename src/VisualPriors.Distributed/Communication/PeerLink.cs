using System.Net;
using System.Net.Sockets;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// A TCP connection with another process. Nothing blocks for longer than the caller's patience: the socket itself never does. (No
/// asynchronous socket calls: they register the socket with the runtime's event loop, which would wake up for every packet of bulk data.)
/// </summary>
internal sealed class PeerLink : IDisposable
{
    private readonly Socket _socket;

    public PeerLink(Socket socket)
    {
        _socket = socket;
        socket.Blocking = false;
        socket.NoDelay = true;

        // A machine that lost its power sends no goodbye: without probes its silence would only be noticed by timeouts.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
    }

    /// <summary>Rank at the other end; -1 until it is known.</summary>
    public int Peer { get; set; } = -1;

    public IPAddress RemoteAddress => ((IPEndPoint)_socket.RemoteEndPoint!).Address;

    /// <summary>For <c>poll</c>.</summary>
    public int Descriptor => (int)_socket.Handle;

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody there, or not reachable.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public static PeerLink Connect(IPEndPoint endpoint, in Patience patience)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            try
            {
                socket.Connect(endpoint);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                while (!Wait((int)socket.Handle, Interop.LibC.Output, patience.Slice))
                {
                    patience.ThrowIfOver();
                }

                var error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
                if (error != 0)
                {
                    throw new SocketException(error);
                }
            }

            return new PeerLink(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends as much as goes without waiting.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    public int TrySend(ReadOnlySpan<byte> data)
    {
        var sent = _socket.Send(data, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => sent,
            SocketError.WouldBlock => 0,
            _ => throw Broken(error),
        };
    }

    /// <summary>Receives what is there without waiting.</summary>
    /// <exception cref="IOException">The connection is broken or was closed.</exception>
    public int TryReceive(Span<byte> destination)
    {
        var received = _socket.Receive(destination, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success when received > 0 || destination.IsEmpty => received,
            SocketError.Success => throw new IOException("the connection was closed"),
            SocketError.WouldBlock => 0,
            _ => throw Broken(error),
        };
    }

    /// <summary>Sends everything.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    public void Send(ReadOnlySpan<byte> data, in Patience patience)
    {
        while (!data.IsEmpty)
        {
            var sent = TrySend(data);
            data = data[sent..];
            if (sent == 0 && !Wait(Descriptor, Interop.LibC.Output, patience.Slice))
            {
                patience.ThrowIfOver();
            }
        }
    }

    /// <summary>Fills <paramref name="destination"/>.</summary>
    /// <exception cref="IOException">The connection is broken or was closed.</exception>
    public void Receive(Span<byte> destination, in Patience patience)
    {
        while (!destination.IsEmpty)
        {
            var received = TryReceive(destination);
            destination = destination[received..];
            if (received == 0 && !Wait(Descriptor, Interop.LibC.Input, patience.Slice))
            {
                patience.ThrowIfOver();
            }
        }
    }

    /// <summary>Whether the other end is gone, by the looks of it.</summary>
    public bool IsClosed => Wait(Descriptor, Interop.LibC.Input, 0) && _socket.Available == 0;

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static unsafe bool Wait(int descriptor, short events, int milliseconds)
    {
        var poll = new Interop.PollDescriptor { Descriptor = descriptor, Events = events };
        return Interop.LibC.Poll(&poll, 1, milliseconds) > 0;
    }

    private static IOException Broken(SocketError error) => new($"the connection is broken ({error})");
}
