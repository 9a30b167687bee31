using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VisualPriors.Storage.Tests.Faults;

/// <summary>An HTTP proxy on this machine, between a client and a server, that does harm as told. One request a connection.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private const int MaximumHead = 1 << 16;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _serverPort;
    private readonly Func<string, Fault> _decide;
    private readonly ConcurrentDictionary<Task, bool> _connections = [];
    private readonly Task _accepting;
    private int _requests;

    /// <param name="serverPort">The server's port.</param>
    /// <param name="decide">What to do to a request, by its first line.</param>
    public FaultProxy(int serverPort, Func<string, Fault> decide)
    {
        _serverPort = serverPort;
        _decide = decide;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Requests seen.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Harms every distinct request the first few times that it is sent.</summary>
    public static Func<string, Fault> FirstTries(int count, Fault fault)
    {
        var seen = new ConcurrentDictionary<string, int>();
        return line => seen.AddOrUpdate(line, 1, (_, n) => n + 1) <= count ? fault : new Fault.None();
    }

    /// <summary>Harms one request in so many.</summary>
    public static Func<string, Fault> OneIn(int period, Fault fault)
    {
        var requests = 0;
        return _ => Interlocked.Increment(ref requests) % period == period / 2 ? fault : new Fault.None();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var connection = Task.Run(() => ServeAsync(client));
                _connections[connection] = true;
                _ = connection.ContinueWith(done => _connections.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            await ServeAsync(client.GetStream());
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
        }

        // A reset rather than an orderly end: what a dying machine's peer sees.
        client.Client.LingerState = new LingerOption(true, 0);
    }

    private async Task ServeAsync(NetworkStream client)
    {
        var head = await ReadHeadAsync(client);
        if (head is null)
        {
            return;
        }

        Interlocked.Increment(ref _requests);
        var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var length = lines.Where(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Select(line => long.Parse(line.Split(':')[1])).FirstOrDefault();
        if (lines.Any(line => line.StartsWith("Expect:", StringComparison.OrdinalIgnoreCase)))
        {
            // After a 503 the client asks before it sends a body.
            await client.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _stop.Token);
        }

        switch (_decide(lines[0]))
        {
            case Fault.Status status:
                await CopyAsync(client, Stream.Null, length, null);
                var wait = status.RetryAfter is null ? "" : $"Retry-After: {status.RetryAfter}\r\n";
                await client.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status.Code} {status.Reason}\r\n{wait}Content-Length: 0\r\nConnection: close\r\n\r\n"), _stop.Token);
                client.Socket.Shutdown(SocketShutdown.Send);
                await CopyAsync(client, Stream.Null, long.MaxValue, null);
                break;
            case Fault.Hang:
                await CopyAsync(client, Stream.Null, long.MaxValue, null);
                break;
            case var fault:
                await ForwardAsync(client, lines, length, fault);
                break;
        }
    }

    private async Task ForwardAsync(NetworkStream client, string[] lines, long length, Fault fault)
    {
        using var upstream = new TcpClient();
        await upstream.ConnectAsync(IPAddress.Loopback, _serverPort, _stop.Token);
        var server = upstream.GetStream();
        var head = lines.Where(line => !line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase)
            && !line.StartsWith("Expect:", StringComparison.OrdinalIgnoreCase)).Append("Connection: close");
        await server.WriteAsync(Encoding.ASCII.GetBytes(string.Join("\r\n", head) + "\r\n\r\n"), _stop.Token);
        var speed = (fault as Fault.Throttle)?.BytesPerSecond;
        if (fault is Fault.CutRequest cut)
        {
            await CopyAsync(client, server, Math.Min(cut.BodyBytes, length), null);
            upstream.Client.LingerState = new LingerOption(true, 0);
            return;
        }

        await CopyAsync(client, server, length, speed);
        if (fault is Fault.CutAnswer answer)
        {
            // Waits for the answer's first byte: by then the server has done what it was asked.
            var buffer = new byte[Math.Max(1, answer.Bytes)];
            var read = await server.ReadAtLeastAsync(buffer, 1, throwOnEndOfStream: false, _stop.Token);
            await client.WriteAsync(buffer.AsMemory(0, Math.Min(read, answer.Bytes)), _stop.Token);
            await CopyAsync(server, client, answer.Bytes - read, null);
            // An orderly end, too early: after a reset the client would not even see the bytes that came before.
            client.Socket.Shutdown(SocketShutdown.Send);
            await CopyAsync(client, Stream.Null, long.MaxValue, null);
            return;
        }

        await CopyAsync(server, client, long.MaxValue, speed);
        client.Socket.Shutdown(SocketShutdown.Send);
        await CopyAsync(client, Stream.Null, long.MaxValue, null);
    }

    private async Task CopyAsync(Stream from, Stream to, long count, int? bytesPerSecond)
    {
        var buffer = new byte[1 << 16];
        while (count > 0)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count)), _stop.Token);
            if (read == 0)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            count -= read;
            if (bytesPerSecond is { } speed)
            {
                await Task.Delay(TimeSpan.FromSeconds((double)read / speed), _stop.Token);
            }
        }
    }

    private async Task<string?> ReadHeadAsync(NetworkStream client)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            if (head.Length == MaximumHead || await client.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
