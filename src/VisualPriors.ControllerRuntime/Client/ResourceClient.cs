using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Typed requests for one kind. Errors are <see cref="KubernetesApiException"/>. Managed fields are dropped from what is read.</summary>
/// <typeparam name="TEntity">Kind of object, with the client's <c>[KubernetesEntity]</c> attribute.</typeparam>
public sealed class ResourceClient<TEntity>(KubernetesConnection connection)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly KubernetesConnection _connection = connection;

    /// <summary>Reads one object; null where there is none.</summary>
    public Task<TEntity?> GetAsync(string? @namespace, string name, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Reads all objects, page by page. One that cannot be read is left out and counted.</summary>
    /// <param name="namespace">Namespace; null for all.</param>
    /// <param name="labelSelector">Label selector; null for all.</param>
    /// <param name="fieldSelector">Field selector; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<IReadOnlyList<TEntity>> ListAsync(
        string? @namespace, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>Creates an object and returns it as stored. A name that is taken is a conflict (<see cref="KubernetesApiException.IsAlreadyExists"/>).</summary>
    public Task<TEntity> CreateAsync(TEntity entity, string? fieldManager = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>Deletes an object.</summary>
    /// <returns>Null when it is gone (or was); otherwise the object that is ending: its processes or finalizers take their time.</returns>
    public Task<TEntity?> DeleteAsync(
        string? @namespace, string name, DeleteRequest? request = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>Server-side apply: creates the object, or sets the fields given and takes away those given before and no longer.</summary>
    /// <param name="entity">Name and the fields that we own. Status and what the server sets are left out.</param>
    /// <param name="fieldManager">Owner of the fields.</param>
    /// <param name="force">Take fields that another manager owns, too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<TEntity> ApplyAsync(
        TEntity entity, string fieldManager, bool force = true, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Server-side apply to the status subresource: only the name, the uid as a precondition where set, and the status are sent.</summary>
    public Task<TEntity> ApplyStatusAsync(
        TEntity entity, string fieldManager, bool force = true, CancellationToken cancellationToken = default) => throw new NotImplementedException();

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
        CancellationToken cancellationToken = default) => throw new NotImplementedException();
}
