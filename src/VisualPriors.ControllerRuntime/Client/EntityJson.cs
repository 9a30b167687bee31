using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Objects to and from JSON, with the client's own options.</summary>
internal static class EntityJson
{
    /// <summary>The client keeps its options to itself but shows them to whoever would change them; they are only looked at here.</summary>
    public static JsonSerializerOptions Options { get; } = ClientOptions();

    public static byte[] Serialize<T>(T value)
        where T : notnull => JsonSerializer.SerializeToUtf8Bytes(value, Options.GetTypeInfo(value.GetType()));

    public static JsonObject ToNode<TEntity>(TEntity entity)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<TEntity>();
        var node = JsonSerializer.SerializeToNode(entity, TypeInfo<TEntity>())!.AsObject();
        node["apiVersion"] = type.ApiVersion;
        node["kind"] = type.Kind;
        return node;
    }

    public static JsonTypeInfo<T> TypeInfo<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    /// <summary>Makes an object that was read whole and small: kind and version (lists leave them out), no managed fields.</summary>
    /// <exception cref="JsonException">It is no object with a name and a version.</exception>
    public static TEntity Complete<TEntity>([NotNull] TEntity? entity, ResourceType type)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        if (string.IsNullOrEmpty(entity?.Metadata?.Name))
        {
            throw new JsonException($"a {type.Kind} without metadata.name");
        }
        if (!ulong.TryParse(entity.Metadata.ResourceVersion, CultureInfo.InvariantCulture, out _))
        {
            throw new JsonException($"resourceVersion '{entity.Metadata.ResourceVersion}' of {type.Kind} {entity.Metadata.Name} is no number");
        }
        entity.ApiVersion = type.ApiVersion;
        entity.Kind = type.Kind;
        entity.Metadata.ManagedFields = null;
        return entity;
    }

    /// <summary>Whether a delete's answer says that the object is gone: nothing of it has to end first.</summary>
    public static bool IsGone(V1ObjectMeta metadata) =>
        metadata.DeletionTimestamp is not null && metadata.Finalizers is not { Count: > 0 } && metadata.DeletionGracePeriodSeconds is not > 0;

    private static JsonSerializerOptions ClientOptions()
    {
        JsonSerializerOptions? seen = null;
        KubernetesJson.AddJsonOptions(options => seen = options);
        return seen!;
    }
}
