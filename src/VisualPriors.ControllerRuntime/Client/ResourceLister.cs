using System.Globalization;
using System.Text.Json;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Lists a kind page by page, as of one resource version.</summary>
internal static class ResourceLister
{
    /// <summary>Listings whose later pages expire (the server compacts after 5 minutes) before all is asked for at once.</summary>
    private const int PagedTries = 2;

    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(60);

    public static async Task<ResourceListing<TEntity>> ListAsync<TEntity>(
        KubernetesConnection connection,
        string? @namespace,
        string? labelSelector,
        string? fieldSelector,
        int pageSize,
        CancellationToken cancellationToken)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<TEntity>();
        for (var attempt = 1; ; attempt++)
        {
            var items = new List<TEntity>();
            var unreadable = new List<UnreadableObject>();
            string? limit = attempt <= PagedTries ? pageSize.ToString(CultureInfo.InvariantCulture) : null;
            string? next = null;
            try
            {
                while (true)
                {
                    var request = new ApiRequest("list", HttpMethod.Get, type.Path(@namespace))
                    {
                        Query = [("labelSelector", labelSelector), ("fieldSelector", fieldSelector), ("limit", limit), ("continue", next)],
                        Timeout = PageTimeout,
                    };
                    using var page = await connection.SendAsync(
                        request,
                        async (stream, bounded) => await JsonDocument.ParseAsync(stream, default, bounded).ConfigureAwait(false),
                        cancellationToken).ConfigureAwait(false);
                    Read(page.RootElement, type, items, unreadable);
                    var metadata = page.RootElement.GetProperty("metadata");
                    next = metadata.TryGetProperty("continue", out var token) ? token.GetString() : null;
                    if (string.IsNullOrEmpty(next))
                    {
                        return new(items, unreadable, metadata.GetProperty("resourceVersion").GetString()!);
                    }
                }
            }
            catch (KubernetesApiException error) when (error.IsExpired && next is not null)
            {
                // What was read is of a state that is gone; the rest of it cannot be had.
                ControllerMetrics.Relists.WithLabels(type.Kind, "page_expired").Inc();
            }
        }
    }

    private static void Read<TEntity>(JsonElement page, ResourceType type, List<TEntity> items, List<UnreadableObject> unreadable)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        if (!page.TryGetProperty("items", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return;
        }
        foreach (var item in list.EnumerateArray())
        {
            try
            {
                items.Add(EntityJson.Complete(item.Deserialize(EntityJson.TypeInfo<TEntity>()), type));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                unreadable.Add(UnreadableObject.From(item, error));
            }
        }
    }
}
