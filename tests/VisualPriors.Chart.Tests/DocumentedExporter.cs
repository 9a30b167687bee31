using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VisualPriors.Chart.Tests;

/// <summary>Answers <c>/metrics</c> with metrics as docs/monitoring.md tells of them: one series each, with the labels of the table, growing.</summary>
internal sealed class DocumentedExporter : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly IReadOnlyList<Metric> _metrics;
    private readonly Task _serving;

    /// <summary>Starts to answer for some metrics.</summary>
    public DocumentedExporter(IEnumerable<Metric> metrics)
    {
        _metrics = [.. metrics];
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = free.LocalEndpoint.ToString()!;
        }

        _listener.Prefixes.Add($"http://{Address}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>Its host and port.</summary>
    public string Address { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        for (var scrape = 1; ; scrape++)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                context.Response.ContentType = "text/plain; version=0.0.4";
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(_metrics.Select(metric => Text(metric, scrape)))));
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static string Text(Metric metric, int value)
    {
        var labels = metric.Labels.Select(label => $"{label}=\"{label}-1\"").ToList();
        string Line(string name, params string[] further) =>
            string.Create(CultureInfo.InvariantCulture, $"{name}{{{string.Join(',', labels.Concat(further))}}} {value}\n");
        return $"# TYPE {metric.Name} {metric.Type}\n" + (metric.Type == "histogram"
            ? Line($"{metric.Name}_bucket", "le=\"1\"") + Line($"{metric.Name}_bucket", "le=\"+Inf\"") + Line($"{metric.Name}_sum") + Line($"{metric.Name}_count")
            : Line(metric.Name));
    }
}
