using System.Text.Json;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>All objects of a list, and those that are there but cannot be read.</summary>
internal sealed record ResourceListing<TEntity>(
    IReadOnlyList<TEntity> Items, IReadOnlyList<UnreadableObject> Unreadable, string ResourceVersion)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>;

/// <summary>An object that does not fit its type: someone's mistake, or a version to come. It must not stop the others.</summary>
/// <param name="Name">Its name, where even that can be read.</param>
/// <param name="ResourceVersion">Its version, where that can be read.</param>
/// <param name="Error">What is wrong with it.</param>
internal sealed record UnreadableObject(NamespacedName? Name, string? ResourceVersion, Exception Error)
{
    public static UnreadableObject From(JsonElement item, Exception error)
    {
        string? Text(string property) =>
            item.ValueKind == JsonValueKind.Object
            && item.TryGetProperty("metadata", out var metadata)
            && metadata.ValueKind == JsonValueKind.Object
            && metadata.TryGetProperty(property, out var value)
            && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
        return new(Text("name") is { } name ? new NamespacedName(Text("namespace"), name) : null, Text("resourceVersion"), error);
    }
}
