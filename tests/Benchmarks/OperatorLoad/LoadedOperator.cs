using System.Globalization;
using Microsoft.Extensions.Logging;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Hosting;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>An operator in this process. It logs what goes wrong, and should it end by itself, so does the benchmark.</summary>
internal sealed class LoadedOperator : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly ILoggerFactory _loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole());
    private readonly Uri _readiness;
    private readonly Task _running;

    public LoadedOperator(LoadPlane plane, string @namespace, KubernetesConnection? connection = null, TimeProvider? time = null)
    {
        var settings = plane.Settings(@namespace);
        _readiness = new Uri($"http://127.0.0.1:{settings.HttpPort.ToString(CultureInfo.InvariantCulture)}/readyz");
        _running = RunAsync();

        async Task RunAsync()
        {
            try
            {
                await OperatorHost.RunAsync(settings, @namespace, connection ?? plane.Connection, time ?? TimeProvider.System, _loggers, _stop.Token)
                    .ConfigureAwait(false);
                if (!_stop.IsCancellationRequested)
                {
                    plane.Break(new InvalidOperationException("the operator ended"));
                }
            }
            catch (Exception e)
            {
                plane.Break(new InvalidOperationException($"the operator ended: {e}", e));
            }
        }
    }

    /// <summary>Waits until its caches are filled.</summary>
    /// <exception cref="TimeoutException">They are not.</exception>
    public async Task ReadyAsync()
    {
        using var client = new HttpClient();
        using var late = new CancellationTokenSource(StartTimeout);
        while (!await IsReadyAsync(client).ConfigureAwait(false))
        {
            if (late.IsCancellationRequested)
            {
                throw new TimeoutException($"the operator was not ready within {StartTimeout.TotalSeconds} s");
            }

            await Task.Delay(20).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _loggers.Dispose();
        _stop.Dispose();
    }

    private async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            using var response = await client.GetAsync(_readiness).ConfigureAwait(false);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return false;
        }
    }
}
