using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace VisualPriors.KubernetesTesting;

/// <summary>Answers chosen requests in the server's stead: 429, 500, or never. For the client's constructor, so that TLS is not in the way.</summary>
public sealed class FaultHandler : DelegatingHandler
{
    private readonly ConcurrentQueue<HttpRequestMessage> _seen = new();
    private int _underWay;

    /// <summary>What to answer instead; null passes the request on.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?> Answer { get; set; } = _ => null;

    /// <summary>Requests that take for ever.</summary>
    public Func<HttpRequestMessage, bool> Hang { get; set; } = _ => false;

    /// <summary>Requests that reach the server, whose answer is lost.</summary>
    public Func<HttpRequestMessage, bool> LoseAnswer { get; set; } = _ => false;

    /// <summary>All requests, with those answered here.</summary>
    public IReadOnlyList<HttpRequestMessage> Seen => [.. _seen];

    /// <summary>Requests that the server has not answered yet, those left out that hang here.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

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
        Interlocked.Increment(ref _underWay);
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
        if (LoseAnswer(request))
        {
            response.Dispose();
            throw new HttpRequestException("the answer is lost (injected)");
        }
        return response;
    }
}
