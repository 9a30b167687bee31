using System.Diagnostics;
using System.Text.Json;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ChartTesting;

/// <summary>A real Prometheus on a free loopback port, with the example configuration; it ends with this object.</summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ChildProcess _process;
    private readonly HttpClient _client;

    private PrometheusServer(string folder, string configuration, int port)
    {
        _folder = folder;
        _process = new ChildProcess("prometheus", [
            $"--config.file={configuration}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn"]);
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="scrapeInterval">How often it scrapes, such as <c>1s</c>.</param>
    public static async Task<PrometheusServer> StartAsync(string scrapeInterval = "1s")
    {
        var folder = Directory.CreateTempSubdirectory("vp-prometheus-").FullName;
        var configuration = PrometheusConfiguration.Write(folder, scrapeInterval);
        var server = new PrometheusServer(folder, configuration, Ports.Free());
        try
        {
            await server.WaitUntilReadyAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Says what a job scrapes from now on.</summary>
    /// <param name="job"><see cref="PrometheusConfiguration.Operator"/> or <see cref="PrometheusConfiguration.Trainer"/>.</param>
    /// <param name="targets">All of its targets.</param>
    public void SetTargets(string job, params PrometheusTarget[] targets) => PrometheusConfiguration.WriteTargets(_folder, job, targets);

    /// <summary>Asks an instant query.</summary>
    /// <returns>The result: a list of series, empty where there is no data.</returns>
    /// <exception cref="InvalidOperationException">Prometheus refused the query: the message has its reason.</exception>
    public async Task<IReadOnlyList<JsonElement>> QueryAsync(string expression)
    {
        using var response = await _client.GetAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(expression)}", UriKind.Relative));
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var root = document.RootElement;
        return root.GetProperty("status").GetString() == "success"
            ? [.. root.GetProperty("data").GetProperty("result").EnumerateArray().Select(series => series.Clone())]
            : throw new InvalidOperationException($"{expression}: {root.GetProperty("error").GetString()}");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task WaitUntilReadyAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var response = await _client.GetAsync(new Uri("/-/ready", UriKind.Relative));
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (!_process.HasExited && clock.Elapsed < TimeSpan.FromSeconds(60))
            {
                // It does not listen yet.
            }

            if (_process.HasExited)
            {
                throw new InvalidOperationException($"prometheus ended:\n{_process.Output}");
            }

            await Task.Delay(100);
        }
    }
}
