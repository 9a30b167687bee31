using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Tells people what happened to an object, as Kubernetes Events. Repeats are counted on one Event, each object has a rate. Writes happen in the
/// background: recording never waits and never throws.
/// </summary>
public sealed class EventRecorder : IAsyncDisposable
{
    /// <summary>Something went as it should.</summary>
    public void Normal(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => throw new NotImplementedException();

    /// <summary>Something went wrong, or needs a person.</summary>
    public void Warning(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => throw new NotImplementedException();

    /// <summary>Writes what is recorded, for at most two seconds, then stops.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
