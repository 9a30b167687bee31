using System.Globalization;
using Azure;
using Azure.Identity;

namespace VisualPriors.Storage.Objects;

/// <summary>What a failed call to a blob store means.</summary>
/// <param name="Reason">For people; holds no secrets.</param>
/// <param name="IsTransient">Whether trying again may help.</param>
/// <param name="RetryAfter">How long the store asks to be left alone.</param>
internal sealed record BlobFailure(string Reason, bool IsTransient, TimeSpan? RetryAfter)
{
    private static readonly HashSet<int> TransientStatuses = [408, 429, 500, 502, 503, 504];

    /// <summary>Error codes of other statuses that mean: damaged on the way, or not yet.</summary>
    private static readonly HashSet<string> TransientCodes = ["Md5Mismatch", "Crc64Mismatch", "ContainerBeingDeleted"];

    /// <summary>Reads a failure; null when it is none of the store's.</summary>
    public static BlobFailure? From(Exception exception) => exception switch
    {
        RequestFailedException { Status: 0 } e => new(e.InnerException?.Message ?? e.Message, true, null),
        RequestFailedException e => new(
            $"the store answered {e.Status} ({e.ErrorCode ?? "no code"})",
            TransientStatuses.Contains(e.Status) || (e.ErrorCode is { } code && TransientCodes.Contains(code)),
            RetryAfterOf(e.GetRawResponse(), DateTimeOffset.UtcNow)),
        AuthenticationFailedException => new(
            $"no credential was found or accepted; set {ObjectStores.ConnectionStringVariable} or {ObjectStores.ConnectionStringFileVariable}, or log in to Azure", false, null),
        OperationCanceledException or TimeoutException => new("it took too long", true, null),
        IOException or HttpRequestException or InvalidDataException => new(exception.Message, true, null),
        AggregateException { InnerExceptions: [var inner, ..] } => From(inner),
        _ => null,
    };

    private static TimeSpan? RetryAfterOf(Response? response, DateTimeOffset now)
    {
        if (response is null)
        {
            return null;
        }

        foreach (var name in (ReadOnlySpan<string>)["x-ms-retry-after-ms", "retry-after-ms"])
        {
            if (response.Headers.TryGetValue(name, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
            {
                return TimeSpan.FromMilliseconds(milliseconds);
            }
        }

        return !response.Headers.TryGetValue("Retry-After", out var value) ? null
            : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds)
            : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) && date > now ? date - now
            : null;
    }
}
