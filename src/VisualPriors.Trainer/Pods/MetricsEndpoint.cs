using System.Net;
using Prometheus;

namespace VisualPriors.Trainer.Pods;

/// <summary>Serves <c>/metrics</c> and <c>/healthz</c> of a launcher, on IPv4 addresses of all interfaces.</summary>
internal sealed class MetricsEndpoint : IAsyncDisposable
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";
    private readonly HttpListener _listener = new();
    private readonly CollectorRegistry _registry;
    private readonly Task _serving;

    private MetricsEndpoint(int port, CollectorRegistry registry)
    {
        _registry = registry;
        _listener.Prefixes.Add($"http://+:{port}/");
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Begins to serve; null where the port is taken: a run is not lost for that.</summary>
    /// <param name="port">The port.</param>
    /// <param name="registry">What to show.</param>
    /// <param name="log">Is told of a port that is taken.</param>
    public static MetricsEndpoint? TryStart(int port, CollectorRegistry registry, Action<string> log)
    {
        try
        {
            return new MetricsEndpoint(port, registry);
        }
        catch (HttpListenerException e)
        {
            log($"no metrics: port {port} cannot be listened at: {e.Message}");
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving.ConfigureAwait(false);
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync().ConfigureAwait(false);
                _ = AnswerAsync(context);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                if (!_listener.IsListening)
                {
                    return;
                }
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            using var answer = context.Response;
            switch (context.Request.HttpMethod, context.Request.Url?.AbsolutePath)
            {
                case ("GET" or "HEAD", "/healthz"):
                    answer.ContentType = "text/plain";
                    await answer.OutputStream.WriteAsync("ok\n"u8.ToArray()).ConfigureAwait(false);
                    break;
                case ("GET", "/metrics"):
                    answer.ContentType = ContentType;
                    await _registry.CollectAndExportAsTextAsync(answer.OutputStream).ConfigureAwait(false);
                    break;
                default:
                    answer.StatusCode = (int)HttpStatusCode.NotFound;
                    break;
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // Whoever asked is gone.
        }
    }
}
