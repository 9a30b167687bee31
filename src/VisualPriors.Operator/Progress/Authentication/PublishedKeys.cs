using System.Text.Json;
using Microsoft.Extensions.Logging;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>
/// The issuer and keys that the API server publishes (service account issuer discovery), read seldom: whoever sends a token can make them be
/// read anew, but not more often than once in a while, and all who want them meanwhile share one reading.
/// </summary>
/// <param name="read">Reads them.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told when reading begins to fail, and when it does no longer.</param>
internal sealed partial class PublishedKeys(Func<CancellationToken, Task<TokenIssuer>> read, TimeProvider time, ILogger logger)
{
    /// <summary>After that they are read anew: a key that is published no longer is trusted no longer.</summary>
    internal static readonly TimeSpan MaximumAge = TimeSpan.FromMinutes(5);

    /// <summary>Least time from one reading to the next, whatever tokens come and also where it failed.</summary>
    internal static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Task<TokenIssuer>? _reading;
    private long _begun;
    private bool? _published;

    /// <summary>Those of an API server. Every service account may read them, by a role that Kubernetes itself binds.</summary>
    public static PublishedKeys Of(KubernetesConnection connection, TimeProvider time, ILogger logger) => new(
        async cancellationToken => TokenIssuer.Parse(
            await connection.GetTextAsync("/.well-known/openid-configuration", cancellationToken).ConfigureAwait(false),
            await connection.GetTextAsync("/openid/v1/jwks", cancellationToken).ConfigureAwait(false)),
        time,
        logger);

    /// <summary>Reads them ahead of the first report, so that the log tells from the start whether there can be any.</summary>
    public async Task AnnounceAsync(CancellationToken cancellationToken) =>
        await ((Task)CurrentAsync(cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Those that were read last, not too long ago.</summary>
    /// <exception cref="VerifierUnavailableException">They cannot be read.</exception>
    public Task<TokenIssuer> CurrentAsync(CancellationToken cancellationToken) => NoOlderThan(MaximumAge).WaitAsync(cancellationToken);

    /// <summary>Read anew, for a token that the current ones do not know; the current ones where those are quite new.</summary>
    /// <exception cref="VerifierUnavailableException">They cannot be read.</exception>
    public Task<TokenIssuer> RenewedAsync(CancellationToken cancellationToken) => NoOlderThan(LeastInterval).WaitAsync(cancellationToken);

    private Task<TokenIssuer> NoOlderThan(TimeSpan age)
    {
        lock (_lock)
        {
            if (_reading is null
                || (_reading.IsCompleted && time.GetElapsedTime(_begun) >= (_reading.IsCompletedSuccessfully ? age : LeastInterval)))
            {
                _begun = time.GetTimestamp();

                // Nobody's to cancel: others wait for it, too.
                _reading = ReadAsync(CancellationToken.None);
            }

            return _reading;
        }
    }

    private async Task<TokenIssuer> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var issuer = await read(cancellationToken).ConfigureAwait(false);
            if (_published != true)
            {
                LogRead(issuer.Keys.Count, issuer.Name);
            }

            _published = true;
            return issuer;
        }
        catch (Exception e) when (e is KubernetesApiException or HttpRequestException or TimeoutException or IOException or JsonException)
        {
            if (_published != false)
            {
                LogNotRead(e.Message);
            }

            _published = false;
            throw new VerifierUnavailableException("The API server's published keys cannot be read.", e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Tokens of progress reports are checked by the published keys ({Count}) of {Issuer}")]
    private partial void LogRead(int count, string issuer);

    [LoggerMessage(
        LogLevel.Warning,
        "Pods can report no progress (how runs end is known all the same): the API server's keys for service-account tokens cannot be read: {Reason}")]
    private partial void LogNotRead(string reason);
}
