using System.Diagnostics.CodeAnalysis;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>How one reconcile ended. A failure is always retried; only a <see cref="TerminalException"/> is not.</summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
[SuppressMessage("Design", "CA1000", Justification = "The names that readers of KubeOps know.")]
public sealed record ReconciliationResult<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private ReconciliationResult(TEntity entity, string? errorMessage, Exception? error, TimeSpan? requeueAfter)
    {
        Entity = entity;
        ErrorMessage = errorMessage;
        Error = error;
        RequeueAfter = requeueAfter;
    }

    /// <summary>The object, as last seen.</summary>
    public TEntity Entity { get; }

    /// <summary>Whether all went well.</summary>
    public bool IsSuccess => ErrorMessage is null;

    /// <summary>What went wrong; null after a success.</summary>
    public string? ErrorMessage { get; }

    /// <summary>What was thrown, where something was.</summary>
    public Exception? Error { get; }

    /// <summary>When to look again; null: after a success at the next change, after a failure by back-off.</summary>
    public TimeSpan? RequeueAfter { get; }

    /// <summary>All went well.</summary>
    /// <param name="entity">The object.</param>
    /// <param name="requeueAfter">When to look again if nothing changes before.</param>
    public static ReconciliationResult<TEntity> Success(TEntity entity, TimeSpan? requeueAfter = null) => new(entity, null, null, requeueAfter);

    /// <summary>Something went wrong; it is tried again.</summary>
    /// <param name="entity">The object.</param>
    /// <param name="message">What went wrong.</param>
    /// <param name="error">What was thrown.</param>
    /// <param name="requeueAfter">When to try again, instead of by back-off.</param>
    public static ReconciliationResult<TEntity> Failure(TEntity entity, string message, Exception? error = null, TimeSpan? requeueAfter = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        return new(entity, message, error, requeueAfter);
    }
}
