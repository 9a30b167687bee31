using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Hosting;
using VisualPriors.Operator.Settings;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>An operator in this process, without logs.</summary>
internal sealed class LoadedOperator : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _readiness;
    private readonly Task _running;

    public LoadedOperator(OperatorSettings settings, KubernetesConnection connection, TimeProvider? time = null)
    {
        _readiness = new Uri($"http://127.0.0.1:{settings.HttpPort.ToString(CultureInfo.InvariantCulture)}/readyz");
        _running = OperatorHost.RunAsync(settings, settings.Namespace, connection, time ?? TimeProvider.System, NullLoggerFactory.Instance, _stop.Token);
    }

    /// <summary>Waits until its caches are filled.</summary>
    public async Task ReadyAsync()
    {
        using var client = new HttpClient();
        while (!await IsReadyAsync(client).ConfigureAwait(false))
        {
            if (_running.IsCompleted)
            {
                await _running.ConfigureAwait(false);
            }

            await Task.Delay(20).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
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
