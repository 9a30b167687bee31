using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace VisualPriors.KubernetesTesting;

/// <summary>Answers chosen requests in the server's stead: 429, 500, or never. For the client's constructor, so that TLS is not in the way.</summary>
public sealed class FaultHandler : DelegatingHandler
{
    private readonly ConcurrentQueue<HttpRequestMessage> _seen = new();

    /// <summary>What to answer instead; null passes the request on.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?> Answer { get; set; } = _ => null;

    /// <summary>Requests that take for ever.</summary>
    public Func<HttpRequestMessage, bool> Hang { get; set; } = _ => false;

    /// <summary>Requests that reach the server, whose answer is lost.</summary>
    public Func<HttpRequestMessage, bool> LoseAnswer { get; set; } = _ => false;

    /// <summary>All requests, with those answered here.</summary>
    public IReadOnlyList<HttpRequestMessage> Seen => [.. _seen];

    /// <summary>An answer as the API server gives it.</summary>
    public static HttpResponseMessage Status(HttpStatusCode code, string reason, TimeSpan? retryAfter = null)
    {
        var response = new HttpResponseMessage(code)
        {
            Content = new StringContent(
                $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{{reason}}","message":"injected","code":{{(int)code}}}""",
                Encoding.UTF8,
                "application/json"),
        };
        if (retryAfter is { } wait)
        {
            response.Headers.RetryAfter = new(wait);
        }
        return response;
    }

    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        _seen.Enqueue(request);
        if (Hang(request))
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }
        if (Answer(request) is { } answer)
        {
            return answer;
        }
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (LoseAnswer(request))
        {
            response.Dispose();
            throw new HttpRequestException("the answer is lost (injected)");
        }
        return response;
    }
}
