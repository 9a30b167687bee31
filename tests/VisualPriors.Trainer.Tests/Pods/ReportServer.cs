using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Tests.Pods;

/// <summary>An HTTP server in an operator's place: keeps what it is sent and answers as told.</summary>
internal sealed class ReportServer : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<int, HttpListenerResponse, Task> _answer;
    private readonly Task _serving;
    private int _requests;

    /// <param name="answer">Sees the number of the request, from 1, and sets the answer; null accepts.</param>
    public ReportServer(Func<int, HttpListenerResponse, Task>? answer = null)
    {
        _answer = answer ?? ((_, _) => Task.CompletedTask);
        var port = FreePort();
        Address = new Uri($"http://127.0.0.1:{port}{TrainerContract.ReportPath}");
        _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public Uri Address { get; }

    /// <summary>What came, in order, with its authorization.</summary>
    public ConcurrentQueue<(ProgressReport Report, string? Authorization)> Received { get; } = new();

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Waits until so many reports have come.</summary>
    public async Task WaitForAsync(int count)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); Received.Count < count; await Task.Delay(5))
        {
            Assert.True(DateTime.UtcNow < until, $"{Received.Count} of {count} reports came");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                _ = TakeAsync(context);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task TakeAsync(HttpListenerContext context)
    {
        using var memory = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(memory);
        Received.Enqueue((PlanJson.ReadReport(memory.ToArray()), context.Request.Headers["Authorization"]));
        await _answer(Interlocked.Increment(ref _requests), context.Response);
        context.Response.Close();
    }
}
