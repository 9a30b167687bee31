using System.Net;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>The API server refused a request.</summary>
public sealed class KubernetesApiException : Exception
{
    /// <summary>With what the server said.</summary>
    /// <param name="request">Verb and path.</param>
    /// <param name="statusCode">HTTP status.</param>
    /// <param name="status">The server's own words; null where it gave none.</param>
    /// <param name="retryAfter">When it wants to be asked again.</param>
    public KubernetesApiException(string request, HttpStatusCode statusCode, V1Status? status, TimeSpan? retryAfter = null)
        : base($"{request}: {(int)statusCode} {status?.Reason ?? statusCode.ToString()}{(status?.Message is { } message ? $": {message}" : "")}")
    {
        StatusCode = statusCode;
        Status = status;
        RetryAfter = retryAfter;
    }

    /// <summary>HTTP status.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>The server's own words: reason, message, causes by field.</summary>
    public V1Status? Status { get; }

    /// <summary>When the server wants to be asked again.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The server's one-word reason, such as <c>AlreadyExists</c>.</summary>
    public string? Reason => Status?.Reason;

    /// <summary>A write met a newer state, or a name that is taken.</summary>
    public bool IsConflict => StatusCode == HttpStatusCode.Conflict;

    /// <summary>A name that was to be created is taken.</summary>
    public bool IsAlreadyExists => StatusCode == HttpStatusCode.Conflict && Reason == "AlreadyExists";

    /// <summary>There is no such object, or no such kind.</summary>
    public bool IsNotFound => StatusCode == HttpStatusCode.NotFound;

    /// <summary>The resource version asked for is compacted away.</summary>
    public bool IsExpired => StatusCode == HttpStatusCode.Gone;

    /// <summary>The object breaks its schema or a rule.</summary>
    public bool IsInvalid => StatusCode == HttpStatusCode.UnprocessableEntity;
}
