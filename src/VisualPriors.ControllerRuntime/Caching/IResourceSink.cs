using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Where a watcher's news goes.</summary>
internal interface IResourceSink<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    public void Replace(ResourceListing<TEntity> listing);

    public void Changed(TEntity entity);

    public void Deleted(TEntity entity);

    public void Unreadable(UnreadableObject item);

    public void Watched(ulong version);
}
