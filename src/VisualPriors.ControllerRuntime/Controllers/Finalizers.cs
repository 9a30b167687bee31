using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>A controller's finalizers: puts them on, runs them in any order that the object has them, takes them off.</summary>
internal sealed class Finalizers<TEntity>(ResourceClient<TEntity> client, ResourceCache<TEntity> cache)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly List<(IEntityFinalizer<TEntity> Finalizer, Func<TEntity, bool>? Needed)> _finalizers = [];

    public void Add(IEntityFinalizer<TEntity> finalizer, Func<TEntity, bool>? needed) => _finalizers.Add((finalizer, needed));

    /// <summary>Puts on what is needed and missing.</summary>
    /// <returns>The object as it is now.</returns>
    public async Task<TEntity> AttachAsync(TEntity entity, CancellationToken cancellationToken)
    {
        var missing = _finalizers
            .Where(item => !Has(entity, item.Finalizer.Identifier) && (item.Needed?.Invoke(entity) ?? true))
            .Select(item => item.Finalizer.Identifier)
            .ToList();
        if (missing.Count == 0)
        {
            return entity;
        }
        var patch = FinalizerPatch.Attach(entity.Metadata, missing);
        return await PatchAsync(entity, patch, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs those that the object has; those of others are left to them.</summary>
    /// <returns>The first result that says to come again; null when all are done.</returns>
    public async Task<ReconciliationResult<TEntity>?> RunAsync(TEntity entity, CancellationToken cancellationToken)
    {
        foreach (var (finalizer, _) in _finalizers.Where(item => Has(entity, item.Finalizer.Identifier)))
        {
            var result = await finalizer.FinalizeAsync(entity, cancellationToken).ConfigureAwait(false);
            if (!result.IsSuccess || result.RequeueAfter is not null)
            {
                return result;
            }
            entity = await PatchAsync(entity, FinalizerPatch.Detach(entity.Metadata, finalizer.Identifier), cancellationToken).ConfigureAwait(false);
        }
        return null;
    }

    private async Task<TEntity> PatchAsync(TEntity entity, IReadOnlyList<JsonPatchOperation> patch, CancellationToken cancellationToken)
    {
        var metadata = entity.Metadata;
        try
        {
            var patched = await client.PatchJsonAsync(
                metadata.NamespaceProperty, metadata.Name, patch, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (EntityJson.IsGone(patched.Metadata))
            {
                cache.ObserveDeleted(patched);
            }
            else
            {
                cache.Observe(patched);
            }
            return patched;
        }
        catch (KubernetesApiException error) when (error.IsInvalid && error.Reason != "Invalid")
        {
            // The test on the version failed: the server has no word of its own for it (an invalid object has the reason Invalid).
            throw new KubernetesApiException($"finalizers of {metadata.Name}", HttpStatusCode.Conflict, error.Status);
        }
    }

    private static bool Has(TEntity entity, string identifier) => entity.Metadata.Finalizers?.Contains(identifier) == true;
}

/// <summary>Patches of <c>metadata.finalizers</c>, good for one state of the object only.</summary>
internal static class FinalizerPatch
{
    public static IReadOnlyList<JsonPatchOperation> Attach(V1ObjectMeta metadata, IReadOnlyList<string> identifiers) =>
    [
        Test(metadata),
        .. metadata.Finalizers is null
            ? [new JsonPatchOperation("add", "/metadata/finalizers", new JsonArray([.. identifiers.Select(identifier => JsonValue.Create(identifier))]))]
            : identifiers.Select(identifier => new JsonPatchOperation("add", "/metadata/finalizers/-", JsonValue.Create(identifier))),
    ];

    public static IReadOnlyList<JsonPatchOperation> Detach(V1ObjectMeta metadata, string identifier) =>
        [Test(metadata), new("remove", $"/metadata/finalizers/{metadata.Finalizers.IndexOf(identifier)}")];

    private static JsonPatchOperation Test(V1ObjectMeta metadata) => new("test", "/metadata/resourceVersion", JsonValue.Create(metadata.ResourceVersion));
}
