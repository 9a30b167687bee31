using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace VisualPriors.ChartTesting;

/// <summary>A real Prometheus on a free loopback port, with the example configuration; it ends with this object.</summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Process _process;
    private readonly Task<string> _log;
    private readonly HttpClient _client;

    private PrometheusServer(string folder, Process process, int port)
    {
        _folder = folder;
        _process = process;
        _log = process.StandardError.ReadToEndAsync();
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="scrapeInterval">How often it scrapes, such as <c>1s</c>.</param>
    public static async Task<PrometheusServer> StartAsync(string scrapeInterval = "1s")
    {
        var folder = Directory.CreateTempSubdirectory("vp-prometheus-").FullName;
        var configuration = PrometheusConfiguration.Write(folder, scrapeInterval);
        var port = FreePort();
        // It dies with whoever started it, also when that is killed.
        var start = new ProcessStartInfo("setpriv", [
            "--pdeathsig", "KILL", "prometheus", $"--config.file={configuration}", $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])
        { RedirectStandardError = true };
        var server = new PrometheusServer(folder, Process.Start(start)!, port);
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
    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _log;
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
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
                throw new InvalidOperationException($"prometheus ended with {_process.ExitCode}:\n{await _log}");
            }

            await Task.Delay(100);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
