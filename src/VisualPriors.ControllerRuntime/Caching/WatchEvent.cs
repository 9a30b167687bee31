using System.Text.Json;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>One line of a watch.</summary>
/// <param name="Type">ADDED, MODIFIED, DELETED, BOOKMARK or ERROR; UNREADABLE for an object that does not fit its type.</param>
/// <param name="Entity">The object.</param>
/// <param name="Unreadable">The object that does not fit.</param>
/// <param name="Status">The error.</param>
/// <param name="ResourceVersion">Version to go on from.</param>
internal sealed record WatchEvent<TEntity>(
    string Type, TEntity? Entity, UnreadableObject? Unreadable, V1Status? Status, string? ResourceVersion)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <exception cref="JsonException">The line is no event: the stream itself is broken.</exception>
    public static WatchEvent<TEntity> Parse(ReadOnlyMemory<byte> line, ResourceType resource)
    {
        using var document = JsonDocument.Parse(line);
        var type = document.RootElement.GetProperty("type").GetString()!;
        var item = document.RootElement.GetProperty("object");
        switch (type)
        {
            case "ERROR":
                return new(type, null, null, item.Deserialize(EntityJson.TypeInfo<V1Status>()), null);
            case "BOOKMARK":
                return new(type, null, null, null, item.GetProperty("metadata").GetProperty("resourceVersion").GetString());
        }
        try
        {
            var entity = EntityJson.Complete(item.Deserialize(EntityJson.TypeInfo<TEntity>()), resource);
            return new(type, entity, null, null, entity.Metadata.ResourceVersion);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            var unreadable = UnreadableObject.From(item, error);
            return new("UNREADABLE", null, unreadable, null, unreadable.ResourceVersion);
        }
    }
}
