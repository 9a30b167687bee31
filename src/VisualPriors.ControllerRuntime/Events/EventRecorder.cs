using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>x</summary>
public sealed class EventRecorder(KubernetesConnection connection, string source, ILogger<EventRecorder> logger) : IAsyncDisposable
{
    private readonly (object, object, object) _x = (connection, source, logger);

    /// <summary>Something went as it should.</summary>
    public void Normal(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => throw new NotImplementedException(_x.ToString());

    /// <summary>Something went wrong, or needs a person.</summary>
    public void Warning(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => throw new NotImplementedException();

    /// <summary>Writes what is recorded, for at most two seconds, then stops.</summary>
    public ValueTask DisposeAsync() => default;
}
