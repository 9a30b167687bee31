using k8s;
using k8s.Models;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Runs;

/// <summary>Writes what decisions say into statuses, where it is news.</summary>
internal sealed class StatusWriter<TEntity, TStatus>(ResourceCache<TEntity> cache, ResourceClient<TEntity> client)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>, IStatus<TStatus?>, new()
    where TStatus : class
{
    /// <summary>Owner of the fields of a status that decisions write; progress has another.</summary>
    private const string FieldManager = "visualpriors-operator";

    /// <summary>Writes a status.</summary>
    /// <param name="entity">The object as it was observed.</param>
    /// <param name="before">The part of its status that decisions write.</param>
    /// <param name="status">That part as it should be.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The object as it is now.</returns>
    /// <exception cref="KubernetesApiException">The server refused: the object has changed meanwhile, or is gone.</exception>
    public async Task<TEntity> WriteAsync(TEntity entity, TStatus before, TStatus status, CancellationToken cancellationToken)
    {
        if (StatusComparison.Same(status, before))
        {
            return entity;
        }

        var written = await client.ApplyStatusAsync(
            new TEntity
            {
                Metadata = new V1ObjectMeta
                {
                    Name = entity.Metadata.Name,
                    NamespaceProperty = entity.Metadata.NamespaceProperty,
                    // An object that was deleted and made anew under its name must not be given this one's past.
                    ResourceVersion = entity.Metadata.ResourceVersion,
                },
                Status = status,
            },
            FieldManager,
            cancellationToken: cancellationToken).ConfigureAwait(false);
        cache.Observe(written);
        return written;
    }
}
