using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>Requests that this process's controller connections have sent, by verb, from the counter that Prometheus is given.</summary>
internal static partial class ClientRequests
{
    public static async Task<IReadOnlyDictionary<string, double>> ReadAsync()
    {
        using var text = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(text).ConfigureAwait(false);
        return Line().Matches(Encoding.UTF8.GetString(text.GetBuffer().AsSpan(0, (int)text.Length)))
            .GroupBy(match => match.Groups["verb"].Value, match => double.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture))
            .ToDictionary(group => group.Key, group => group.Sum());
    }

    /// <summary>What came since, once nothing more comes for two seconds.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> SettledSinceAsync(IReadOnlyDictionary<string, double> before)
    {
        var now = await ReadAsync().ConfigureAwait(false);
        for (var last = -1.0; now.Values.Sum() > last; now = await ReadAsync().ConfigureAwait(false))
        {
            last = now.Values.Sum();
            await Task.Delay(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        }

        return now.Select(entry => (entry.Key, Count: entry.Value - before.GetValueOrDefault(entry.Key)))
            .Where(entry => entry.Count > 0)
            .ToDictionary(entry => entry.Key, entry => entry.Count);
    }

    [GeneratedRegex("""^visualpriors_controller_client_requests_total\{verb="(?<verb>[^"]*)",code="[^"]*"\} (?<count>\S+)""", RegexOptions.Multiline)]
    private static partial Regex Line();
}
