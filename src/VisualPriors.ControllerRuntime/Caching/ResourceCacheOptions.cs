using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Which objects a cache holds and how it gets them.</summary>
/// <typeparam name="TEntity">Kind of object.</typeparam>
public sealed record ResourceCacheOptions<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Namespace; null for all.</summary>
    public string? Namespace { get; init; }

    /// <summary>Label selector in the API's notation; null for all objects.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>Field selector in the API's notation, such as <c>status.phase!=Succeeded</c>; null for all objects.</summary>
    public string? FieldSelector { get; init; }

    /// <summary>Makes an object smaller before it is cached. Managed fields are dropped in any case.</summary>
    public Func<TEntity, TEntity>? Transform { get; init; }

    /// <summary>Objects a page when listing. 500 as in client-go.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>
    /// How long the server is asked to keep a watch open. A watch that says nothing for 5 s more is dead (kube-rs' rule, as its 290 s are).
    /// Each watch takes up to a tenth less, so that they do not all come back together.
    /// </summary>
    public TimeSpan WatchTimeout { get; init; } = TimeSpan.FromSeconds(290);

    /// <summary>What a watch's silence may last beyond <see cref="WatchTimeout"/>.</summary>
    public TimeSpan WatchGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>First wait after an error of list or watch. As in client-go's reflector.</summary>
    public TimeSpan BackOffBase { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>Longest wait after an error of list or watch. As in client-go's reflector.</summary>
    public TimeSpan BackOffMaximum { get; init; } = TimeSpan.FromSeconds(30);
}
