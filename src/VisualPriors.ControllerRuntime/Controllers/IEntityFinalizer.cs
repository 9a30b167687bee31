using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Cleans up what an object left outside the cluster before the object may go.</summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
public interface IEntityFinalizer<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The finalizer's name in <c>metadata.finalizers</c>: a domain, a slash, a word.</summary>
    public string Identifier { get; }

    /// <summary>Cleans up. Called until it succeeds; must be safe to repeat. The finalizer is taken off after a success.</summary>
    /// <param name="entity">The object, its deletion timestamp set. It is shared: never change it.</param>
    /// <param name="cancellationToken">Ends at shutdown's bound, or when leadership is lost.</param>
    public Task<ReconciliationResult<TEntity>> FinalizeAsync(TEntity entity, CancellationToken cancellationToken);
}
