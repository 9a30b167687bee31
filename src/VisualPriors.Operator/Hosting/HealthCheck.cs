namespace VisualPriors.Operator.Hosting;

/// <summary><c>VisualPriors.Operator check</c>: asks a running operator whether it is ready; what <c>helm test</c> runs.</summary>
internal static class HealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks until it is, for a minute.</summary>
    /// <returns>0 when it is ready, 1 when it is not.</returns>
    public static async Task<int> RunAsync(string address, TextWriter output, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var url = $"{address.TrimEnd('/')}/readyz";
        var last = "no answer";
        while (!patience.IsCancellationRequested)
        {
            try
            {
                using var response = await client.GetAsync(new Uri(url), patience.Token).ConfigureAwait(false);
                last = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(patience.Token).ConfigureAwait(false)}";
                if (response.IsSuccessStatusCode)
                {
                    await output.WriteLineAsync($"{url}: {last}").ConfigureAwait(false);
                    return 0;
                }

                await Task.Delay(TimeSpan.FromSeconds(1), patience.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                last = e.Message;
                await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None).ConfigureAwait(false);
            }
        }

        await output.WriteLineAsync($"{url}: {last}").ConfigureAwait(false);
        return 1;
    }
}
