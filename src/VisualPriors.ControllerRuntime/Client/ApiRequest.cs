using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace VisualPriors.ControllerRuntime;

/// <summary>One request, so that it can be sent again.</summary>
/// <param name="Verb">The API's verb, for metrics and messages: get, list, watch, create, update, apply, patch, delete.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path below the server's address.</param>
internal sealed record ApiRequest(string Verb, HttpMethod Method, string Path)
{
    /// <summary>Query parameters; those without a value are left out.</summary>
    public IReadOnlyList<(string Name, string? Value)> Query { get; init; } = [];

    public byte[]? Body { get; init; }

    public string MediaType { get; init; } = "application/json";

    /// <summary>Media type that the answer may have.</summary>
    public string Accept { get; init; } = "application/json";

    /// <summary>Bound on the whole request, on the wait for its answer's head when watching.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public HttpRequestMessage ToMessage(Uri server, Version version)
    {
        var uri = new StringBuilder(Path);
        var separator = '?';
        foreach (var (name, value) in Query)
        {
            if (value is not null)
            {
                uri.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
                separator = '&';
            }
        }
        var message = new HttpRequestMessage(Method, new Uri(server, uri.ToString()))
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(Accept));
        if (Body is not null)
        {
            message.Content = new ByteArrayContent(Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        }
        return message;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Verb} {Path}");
}
