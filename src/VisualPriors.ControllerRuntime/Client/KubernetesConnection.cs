using k8s;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Requests to one API server through the official client's HTTP stack and credentials. What the client lacks is added: a bound on each
/// request's time, retries where the server asks for them (429 and <c>Retry-After</c>), metrics, and a bound on requests under way.
/// </summary>
public sealed class KubernetesConnection : IDisposable
{
    private readonly bool _owned;

    /// <summary>On a client that exists; it is not disposed. Prefer <see cref="Create"/>, which also notices half-open connections soon.</summary>
    public KubernetesConnection(Kubernetes client, TimeProvider? time = null, ILogger<KubernetesConnection>? logger = null)
        : this(client, time, logger, owned: false)
    {
    }

    private KubernetesConnection(Kubernetes client, TimeProvider? time, ILogger<KubernetesConnection>? logger, bool owned)
    {
        Client = client;
        Time = time ?? TimeProvider.System;
        Logger = logger ?? NullLogger<KubernetesConnection>.Instance;
        _owned = owned;
    }

    /// <summary>The official client, for what has no helper here.</summary>
    public Kubernetes Client { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    /// <summary>A connection of its own from a configuration.</summary>
    public static KubernetesConnection Create(
        KubernetesClientConfiguration configuration, TimeProvider? time = null, ILogger<KubernetesConnection>? logger = null) =>
        throw new NotImplementedException();

    /// <inheritdoc />
    public void Dispose()
    {
        if (_owned)
        {
            Client.Dispose();
        }
    }
}
