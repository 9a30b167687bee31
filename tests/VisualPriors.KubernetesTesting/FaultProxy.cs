using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace VisualPriors.KubernetesTesting;

/// <summary>A loopback TCP proxy that fails as networks do. What passes is not looked at, so TLS and HTTP/2 stay end to end.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Connection, bool> _connections = new();
    private readonly int _target;
    private readonly Task _accepting;
    private volatile bool _refusing;

    /// <summary>Starts.</summary>
    /// <param name="target">Loopback port to pass to.</param>
    public FaultProxy(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Port to connect to.</summary>
    public int Port { get; }

    /// <summary>Connections made so far.</summary>
    public int Accepted => _accepted;

    private int _accepted;

    /// <summary>Closes all connections with a reset; new ones are taken.</summary>
    public void Cut()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Dispose();
        }
    }

    /// <summary>Makes the connections that there are half-open: nothing passes any more, and nobody is told. New ones work.</summary>
    public void Stall()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Stalled = true;
        }
    }

    /// <summary>Closes new connections at once, too, or takes them again.</summary>
    public void Refuse(bool refuse)
    {
        _refusing = refuse;
        if (refuse)
        {
            Cut();
        }
    }

    /// <summary>Closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        Cut();
        await _accepting.ConfigureAwait(false);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            Interlocked.Increment(ref _accepted);
            if (_refusing)
            {
                client.Close(0);
                continue;
            }
            _ = PassAsync(client);
        }
    }

    private async Task PassAsync(Socket client)
    {
        using var connection = new Connection(client);
        _connections[connection] = true;
        try
        {
            await connection.Server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token).ConfigureAwait(false);
            await Task.WhenAny(
                connection.CopyAsync(client, connection.Server, _stop.Token), connection.CopyAsync(connection.Server, client, _stop.Token)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Cut, or the server is not there: the client sees its connection closed.
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }

    private sealed class Connection(Socket client) : IDisposable
    {
        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public volatile bool Stalled;

        private int _disposed;

        public async Task CopyAsync(Socket from, Socket to, CancellationToken stop)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer, stop).ConfigureAwait(false) is var count and > 0)
                {
                    if (Stalled)
                    {
                        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(false);
                    }
                    await to.SendAsync(buffer.AsMemory(0, count), stop).ConfigureAwait(false);
                }
                if (Stalled)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The other direction ends with this one.
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 1)
            {
                return;
            }
            // Reset, not an orderly end: an orderly end would look like an answer that is complete.
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
            Server.Dispose();
        }
    }
}
