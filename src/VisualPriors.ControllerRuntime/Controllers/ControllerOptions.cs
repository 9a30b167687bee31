namespace VisualPriors.ControllerRuntime;

/// <summary>How a controller works through its queue.</summary>
public sealed record ControllerOptions
{
    /// <summary>Name in logs and metrics; null: the kind in lower case.</summary>
    public string? Name { get; init; }

    /// <summary>Objects worked on at once. The default, twice the cores, is KubeOps'.</summary>
    public int Workers { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>Wait before the first retry; doubles with each. 5 ms as in controller-runtime.</summary>
    public TimeSpan BackOffBase { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Longest wait before a retry. 5 minutes: INFERRED, so that what an outage broke is soon tried again.</summary>
    public TimeSpan BackOffMaximum { get; init; } = TimeSpan.FromMinutes(5);
}
