using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Typed requests for one kind. Errors are <see cref="KubernetesApiException"/>. Managed fields are dropped from what is read.</summary>
/// <typeparam name="TEntity">Kind of object, with the client's <c>[KubernetesEntity]</c> attribute.</typeparam>
public sealed class ResourceClient<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>What the server keeps by itself, or refuses in an apply.</summary>
    private static readonly string[] ServerFields =
        ["managedFields", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"];

    private readonly KubernetesConnection _connection;
    private readonly Action? _writeGuard;
    private readonly ResourceType _type = ResourceType.Of<TEntity>();

    /// <summary>On a connection, without a leader's guard: for programs that need none.</summary>
    public ResourceClient(KubernetesConnection connection)
        : this(connection, null)
    {
    }

    /// <param name="connection">Connection.</param>
    /// <param name="writeGuard">Called before each write; throws where this process may not act.</param>
    internal ResourceClient(KubernetesConnection connection, Action? writeGuard)
    {
        _connection = connection;
        _writeGuard = writeGuard;
    }

    /// <summary>Reads one object; null where there is none.</summary>
    public async Task<TEntity?> GetAsync(string? @namespace, string name, CancellationToken cancellationToken = default)
    {
        try
        {
            var request = new ApiRequest("get", HttpMethod.Get, _type.Path(@namespace, name));
            return await _connection.SendAsync(request, ReadAsync, cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesApiException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Reads all objects, page by page. One that cannot be read is left out.</summary>
    /// <param name="namespace">Namespace; null for all.</param>
    /// <param name="labelSelector">Label selector; null for all.</param>
    /// <param name="fieldSelector">Field selector; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<TEntity>> ListAsync(
        string? @namespace, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancellationToken = default)
    {
        var listing = await ResourceLister.ListAsync<TEntity>(
            _connection, @namespace, labelSelector, fieldSelector, pageSize: 500, cancellationToken).ConfigureAwait(false);
        return listing.Items;
    }

    /// <summary>Creates an object and returns it as stored. A name that is taken is a conflict (<see cref="KubernetesApiException.IsAlreadyExists"/>).</summary>
    public Task<TEntity> CreateAsync(TEntity entity, string? fieldManager = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entity);
        var request = new ApiRequest("create", HttpMethod.Post, _type.Path(entity.Metadata.NamespaceProperty))
        {
            Query = [("fieldManager", fieldManager)],
            Body = EntityJson.Serialize(EntityJson.ToNode(entity)),
        };
        return WriteAsync(request, cancellationToken);
    }

    /// <summary>Deletes an object.</summary>
    /// <param name="namespace">Namespace.</param>
    /// <param name="name">Name.</param>
    /// <param name="request">How; a precondition that does not hold is a conflict.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when it is gone (or was); otherwise the object that is ending: its processes or finalizers take their time.</returns>
    public async Task<TEntity?> DeleteAsync(
        string? @namespace, string name, DeleteRequest? request = null, CancellationToken cancellationToken = default)
    {
        request ??= new DeleteRequest();
        _writeGuard?.Invoke();
        var options = new V1DeleteOptions
        {
            ApiVersion = "v1",
            Kind = "DeleteOptions",
            PropagationPolicy = request.Propagation.ToString(),
            GracePeriodSeconds = (long?)request.GracePeriod?.TotalSeconds,
            Preconditions = request.Uid is null && request.ResourceVersion is null
                ? null
                : new V1Preconditions { Uid = request.Uid, ResourceVersion = request.ResourceVersion },
        };
        try
        {
            return await _connection.SendAsync(
                new ApiRequest("delete", HttpMethod.Delete, _type.Path(@namespace, name)) { Body = EntityJson.Serialize(options) },
                ReadDeletedAsync,
                cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesApiException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Server-side apply: creates the object, or sets the fields given and takes away those given before and no longer.</summary>
    /// <param name="entity">
    /// Name and the fields that we own. Status and what the server sets are left out; uid and resource version, where set, are preconditions.
    /// </param>
    /// <param name="fieldManager">Owner of the fields.</param>
    /// <param name="force">Take fields that another manager owns, too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<TEntity> ApplyAsync(TEntity entity, string fieldManager, bool force = true, CancellationToken cancellationToken = default)
    {
        var body = EntityJson.ToNode(entity);
        body.Remove("status");
        var metadata = body["metadata"]!.AsObject();
        foreach (var field in ServerFields)
        {
            metadata.Remove(field);
        }
        return ApplyAsync(entity, body, null, fieldManager, force, cancellationToken);
    }

    /// <summary>
    /// Server-side apply to the status subresource. Only the name and the status are sent, and uid and resource version, where set, as
    /// preconditions.
    /// </summary>
    /// <param name="entity">Name and status.</param>
    /// <param name="fieldManager">Owner of the fields: another than the one that applies the object, or each takes the other's fields away.</param>
    /// <param name="force">Take fields that another manager owns, too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<TEntity> ApplyStatusAsync(TEntity entity, string fieldManager, bool force = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entity);
        var metadata = new JsonObject { ["name"] = entity.Metadata.Name };
        AddIfSet(metadata, "namespace", entity.Metadata.NamespaceProperty);
        AddIfSet(metadata, "uid", entity.Metadata.Uid);
        AddIfSet(metadata, "resourceVersion", entity.Metadata.ResourceVersion);
        var whole = EntityJson.ToNode(entity);
        var body = new JsonObject
        {
            ["apiVersion"] = _type.ApiVersion,
            ["kind"] = _type.Kind,
            ["metadata"] = metadata,
            ["status"] = whole["status"]?.DeepClone() ?? new JsonObject(),
        };
        return ApplyAsync(entity, body, "status", fieldManager, force, cancellationToken);
    }

    /// <summary>JSON patch; a <c>test</c> that fails throws (<see cref="KubernetesApiException.IsInvalid"/>).</summary>
    /// <param name="namespace">Namespace.</param>
    /// <param name="name">Name.</param>
    /// <param name="operations">What to change.</param>
    /// <param name="subresource">Such as <c>status</c>; null for the object itself.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<TEntity> PatchJsonAsync(
        string? @namespace,
        string name,
        IReadOnlyList<JsonPatchOperation> operations,
        string? subresource = null,
        CancellationToken cancellationToken = default)
    {
        var request = new ApiRequest("patch", HttpMethod.Patch, _type.Path(@namespace, name, subresource))
        {
            Body = JsonSerializer.SerializeToUtf8Bytes(operations, JsonPatchContext.Default.IReadOnlyListJsonPatchOperation),
            MediaType = "application/json-patch+json",
        };
        return WriteAsync(request, cancellationToken);
    }

    /// <summary>Replaces the whole object as long as nobody changed it since: only for objects that are ours alone, such as a lease.</summary>
    internal Task<TEntity> ReplaceAsync(TEntity entity, CancellationToken cancellationToken) => WriteAsync(
        new ApiRequest("update", HttpMethod.Put, _type.Path(entity.Metadata.NamespaceProperty, entity.Metadata.Name))
        {
            Body = EntityJson.Serialize(EntityJson.ToNode(entity)),
        },
        cancellationToken);

    private Task<TEntity> ApplyAsync(
        TEntity entity, JsonObject body, string? subresource, string fieldManager, bool force, CancellationToken cancellationToken)
    {
        var request = new ApiRequest("apply", HttpMethod.Patch, _type.Path(entity.Metadata.NamespaceProperty, entity.Metadata.Name, subresource))
        {
            Query = [("fieldManager", fieldManager), ("force", force ? "true" : "false")],
            Body = EntityJson.Serialize(body),
            // The server reads it as YAML, of which JSON is a part.
            MediaType = "application/apply-patch+yaml",
        };
        return WriteAsync(request, cancellationToken);
    }

    private Task<TEntity> WriteAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        _writeGuard?.Invoke();
        return _connection.SendAsync(request, ReadAsync, cancellationToken);
    }

    private async ValueTask<TEntity> ReadAsync(Stream stream, CancellationToken cancellationToken) =>
        EntityJson.Complete(await JsonSerializer.DeserializeAsync(stream, EntityJson.TypeInfo<TEntity>(), cancellationToken).ConfigureAwait(false), _type);

    /// <summary>The server answers a delete with a Status when the object is gone, or with the object, which may be gone as well.</summary>
    private async ValueTask<TEntity?> ReadDeletedAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var answer = await JsonDocument.ParseAsync(stream, default, cancellationToken).ConfigureAwait(false);
        if (answer.RootElement.TryGetProperty("kind", out var kind) && kind.ValueEquals("Status"))
        {
            return null;
        }
        var entity = EntityJson.Complete(answer.RootElement.Deserialize(EntityJson.TypeInfo<TEntity>()), _type);
        return EntityJson.IsGone(entity.Metadata) ? null : entity;
    }

    private static void AddIfSet(JsonObject node, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            node[name] = value;
        }
    }
}
