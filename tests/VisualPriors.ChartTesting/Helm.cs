namespace VisualPriors.ChartTesting;

/// <summary>The real helm, with a home of its own that goes with it.</summary>
public sealed class Helm : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("vp-helm-").FullName;
    private readonly Dictionary<string, string> _environment;

    /// <summary>Helm for a cluster; for none it can render and check only.</summary>
    /// <param name="kubeconfig">Path of the cluster's kubeconfig.</param>
    public Helm(string? kubeconfig = null) => _environment = new Dictionary<string, string>
    {
        ["HELM_CACHE_HOME"] = _home,
        ["HELM_CONFIG_HOME"] = _home,
        ["HELM_DATA_HOME"] = _home,
        // A cluster that the caller's environment names is never meant.
        ["KUBECONFIG"] = kubeconfig ?? Path.Combine(_home, "none"),
    };

    /// <summary>Runs helm, whichever way it ends.</summary>
    public Task<CommandResult> TryAsync(params string[] arguments) => Command.TryAsync(KubernetesTools.Helm, arguments, _environment);

    /// <summary>Runs helm.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed: the message has what it said.</exception>
    public Task<string> RunAsync(params string[] arguments) => Command.RunAsync(KubernetesTools.Helm, arguments, _environment);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_home, recursive: true);
}
