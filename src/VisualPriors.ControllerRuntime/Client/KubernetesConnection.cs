using System.Globalization;
using System.Net;
using System.Text.Json;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Requests to one API server through the official client's HTTP stack and credentials. What the client lacks is added: a bound on each
/// request's time, retries where the server asks for them (429 and <c>Retry-After</c>), metrics, and a bound on requests under way.
/// </summary>
public sealed class KubernetesConnection : IDisposable
{
    /// <summary>As client-go: tries of one request that the server puts off.</summary>
    private const int MaximumTries = 10;

    /// <summary>Requests under way at once, watches not counted. INFERRED: well below the apiserver's default of 400 reads and 200 writes.</summary>
    private const int MaximumConcurrency = 100;

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _slots = new(MaximumConcurrency);
    private readonly ILogger _logger;
    private readonly bool _owned;
    private readonly Version _version;

    /// <summary>On a client that exists; it is not disposed. Prefer <see cref="Create"/>, which also notices half-open connections soon.</summary>
    public KubernetesConnection(Kubernetes client, TimeProvider? time = null, ILogger<KubernetesConnection>? logger = null)
        : this(client, time, logger, owned: false, HttpVersion.Version20)
    {
    }

    private KubernetesConnection(Kubernetes client, TimeProvider? time, ILogger<KubernetesConnection>? logger, bool owned, Version version)
    {
        Client = client;
        Time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<KubernetesConnection>.Instance;
        _owned = owned;
        _version = version;
    }

    /// <summary>The official client, for what has no helper here.</summary>
    public Kubernetes Client { get; }

    internal TimeProvider Time { get; }

    /// <summary>
    /// A connection of its own from a configuration. A peer that no longer answers is noticed within 7 s, in time to renew a
    /// lease by a new connection: the client's own ping comes after three minutes only, and until then each new request would go into the dead
    /// connection.
    /// </summary>
    public static KubernetesConnection Create(
        KubernetesClientConfiguration configuration, TimeProvider? time = null, ILogger<KubernetesConnection>? logger = null) =>
        CreateWith(configuration, [], time, logger);

    /// <summary>With handlers before the network.</summary>
    internal static KubernetesConnection CreateWith(
        KubernetesClientConfiguration configuration, DelegatingHandler[] handlers, TimeProvider? time = null, ILogger<KubernetesConnection>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var setup = configuration.FirstMessageHandlerSetup;
        configuration.FirstMessageHandlerSetup = handler =>
        {
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(3);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(4);
            handler.ConnectTimeout = TimeSpan.FromSeconds(5);
            setup?.Invoke(handler);
        };
        var version = configuration.DisableHttp2 ? HttpVersion.Version11 : HttpVersion.Version20;
        return new(new Kubernetes(configuration, handlers), time, logger, owned: true, version);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _slots.Dispose();
        if (_owned)
        {
            Client.Dispose();
        }
    }

    /// <summary>Reads a document that is no resource, such as <c>/version</c>, whatever its media type.</summary>
    /// <exception cref="KubernetesApiException">The server refused it.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public Task<string> GetTextAsync(string path, CancellationToken cancellationToken) => SendAsync(
        new ApiRequest("get", HttpMethod.Get, path) { Accept = "*/*" },
        async (stream, bounded) =>
        {
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync(bounded).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Sends a request and reads its answer.</summary>
    /// <exception cref="KubernetesApiException">The server refused it.</exception>
    /// <exception cref="TimeoutException">It took longer than the request allows.</exception>
    internal async Task<T> SendAsync<T>(
        ApiRequest request, Func<Stream, CancellationToken, ValueTask<T>> read, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await WithinAsync(request, async bounded =>
                    {
                        using var response = await SendOnceAsync(request, bounded).ConfigureAwait(false);
                        var stream = await response.Content.ReadAsStreamAsync(bounded).ConfigureAwait(false);
                        await using (stream.ConfigureAwait(false))
                        {
                            return await read(stream, bounded).ConfigureAwait(false);
                        }
                    }, cancellationToken).ConfigureAwait(false);
                }
                catch (KubernetesApiException error) when (error.RetryAfter <= LongestRetryAfter && attempt < MaximumTries)
                {
                    _logger.LogDebug("{Request} is put off by {RetryAfter}", request, error.RetryAfter);
                    await Task.Delay(Spread(error.RetryAfter.Value), Time, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Opens a watch: returns once the server has answered, with the stream still running.</summary>
    internal Task<HttpResponseMessage> OpenAsync(ApiRequest request, CancellationToken cancellationToken) =>
        WithinAsync(request, bounded => SendOnceAsync(request, bounded), cancellationToken);

    /// <summary>A wait that many were told at once, made up to a quarter longer.</summary>
    internal static TimeSpan Spread(TimeSpan wait) => wait * (1 + (Random.Shared.NextDouble() / 4));

    private async Task<T> WithinAsync<T>(ApiRequest request, Func<CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(request.Timeout, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await send(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            ControllerMetrics.Requests.WithLabels(request.Verb, "timeout").Inc();
            throw new TimeoutException($"{request}: no answer within {request.Timeout}");
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using var message = request.ToMessage(Client.BaseUri, _version);
        if (Client.Credentials is { } credentials)
        {
            await credentials.ProcessHttpRequestAsync(message, cancellationToken).ConfigureAwait(false);
        }
        HttpResponseMessage response;
        try
        {
            response = await Client.HttpClient.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException)
        {
            ControllerMetrics.Requests.WithLabels(request.Verb, "error").Inc();
            throw;
        }
        ControllerMetrics.Requests.WithLabels(request.Verb, ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)).Inc();
        if (response.IsSuccessStatusCode)
        {
            return response;
        }
        using (response)
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            throw new KubernetesApiException(request.ToString(), response.StatusCode, ReadStatus(body), RetryAfterOf(response));
        }
    }

    /// <summary>The wait that the server asks for; only where it did not begin with the request (429 and 5xx).</summary>
    private TimeSpan? RetryAfterOf(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.TooManyRequests && (int)response.StatusCode < 500)
        {
            return null;
        }
        return response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } when date > Time.GetUtcNow() => date - Time.GetUtcNow(),
            { Date: not null } => TimeSpan.Zero,
            _ => null,
        };
    }

    private static V1Status? ReadStatus(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, EntityJson.TypeInfo<V1Status>());
        }
        catch (JsonException)
        {
            // Proxies and the server's outer parts answer in plain text.
            var text = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 1024))).Trim();
            return text.Length == 0 ? null : new V1Status { Message = text };
        }
    }
}
