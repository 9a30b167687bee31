namespace VisualPriors.Api.Resources;

/// <summary>What a run's pods have beyond what the operator gives them. Means nothing locally.</summary>
public sealed record PodOverrides
{
    /// <summary>Image of the trainer; null takes the operator's.</summary>
    public string? Image { get; init; }

    /// <summary>Labels added to the pods; <c>visualpriors.dev/</c> is the operator's own.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations added to the pods.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>Labels that a node must have.</summary>
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }

    /// <summary>Taints that are tolerated.</summary>
    public IReadOnlyList<PodToleration>? Tolerations { get; init; }

    /// <summary>CPU request and limit of a pod, as a Kubernetes quantity, such as <c>8</c> or <c>500m</c>.</summary>
    public string? Cpu { get; init; }

    /// <summary>Memory request and limit of a pod, as a Kubernetes quantity, such as <c>64Gi</c>.</summary>
    public string? Memory { get; init; }

    /// <summary>
    /// Size of <c>/dev/shm</c>, as a Kubernetes quantity. Null gives 1 GiB for every GPU of the node, at least 1 GiB: NCCL's shared buffers take
    /// some tens of MiB per pair of GPUs (INFERRED).
    /// </summary>
    public string? SharedMemory { get; init; }

    /// <summary>Size limit of the scratch folder, as a Kubernetes quantity; null sets none.</summary>
    public string? Scratch { get; init; }

    /// <summary>Further environment variables, such as <c>NCCL_*</c>; those of the operator's own contract are refused.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Service account, for workload identity; null takes the namespace's default. Its API token is never mounted.</summary>
    public string? ServiceAccountName { get; init; }

    /// <summary>Priority class of the pods.</summary>
    public string? PriorityClassName { get; init; }

    /// <summary>Scheduler of the pods; null takes the cluster's.</summary>
    public string? SchedulerName { get; init; }
}

/// <summary>A taint that is tolerated, as in a pod.</summary>
public sealed record PodToleration
{
    /// <summary>The taint's key; null with the operator <c>Exists</c> tolerates all.</summary>
    public string? Key { get; init; }

    /// <summary><c>Exists</c> or <c>Equal</c>.</summary>
    public string Operator { get; init; } = "Equal";

    /// <summary>The taint's value, with <c>Equal</c>.</summary>
    public string? Value { get; init; }

    /// <summary><c>NoSchedule</c>, <c>PreferNoSchedule</c> or <c>NoExecute</c>; null tolerates every effect.</summary>
    public string? Effect { get; init; }

    /// <summary>Seconds that a <c>NoExecute</c> taint is tolerated; null is for ever.</summary>
    public long? TolerationSeconds { get; init; }
}
