using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Brings the world to what an object asks for. Called for one object by at most one worker at a time.</summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
public interface IEntityController<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Looks at the object and what belongs to it, and does what is missing. An exception is retried, as is a failure.</summary>
    /// <param name="entity">The object as cached. It is shared: never change it.</param>
    /// <param name="cancellationToken">Ends at shutdown's bound, or when leadership is lost.</param>
    public Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken);

    /// <summary>
    /// The object is gone. Deletes that happened while no process was running are not seen: what must not be missed needs a
    /// finalizer, what belongs to the object an owner reference.
    /// </summary>
    /// <param name="entity">Its last known state.</param>
    /// <param name="cancellationToken">Ends at shutdown's bound, or when leadership is lost.</param>
    public Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken);
}
