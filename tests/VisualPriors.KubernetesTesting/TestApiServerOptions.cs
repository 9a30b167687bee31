namespace VisualPriors.KubernetesTesting;

/// <summary>How to start the server.</summary>
public sealed record TestApiServerOptions
{
    /// <summary>More or other flags for kube-apiserver; of a flag given twice the last counts.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>How long the start may take.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);
}
