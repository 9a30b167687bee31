using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>What a run's pods have beyond what the operator gives them. Means nothing locally.</summary>
public sealed record PodOverrides
{
    /// <summary>Image of the trainer; left out, the operator's.</summary>
    [Text(@"\S+", 512, "an image name without spaces")]
    public string? Image { get; init; }

    /// <summary>Labels added to the pods; <c>visualpriors.dev/</c> is the operator's own.</summary>
    [ItemCount(0, 64, "label")]
    [Keys(TextPatterns.LabelKey, TextPatterns.LabelKeyLength, TextPatterns.LabelKeyText)]
    [Text(TextPatterns.LabelValue, TextPatterns.LabelValueLength, TextPatterns.LabelValueText)]
    [ValidationRule(Expressions.LabelsAreNotOurs, "labels must not begin with visualpriors.dev/, which is the operator's own")]
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations added to the pods.</summary>
    [ItemCount(0, 64, "annotation")]
    [Keys(TextPatterns.LabelKey, TextPatterns.LabelKeyLength, TextPatterns.LabelKeyText)]
    [Text(@"[\s\S]*", 16384, "text")]
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>Labels that a node must have.</summary>
    [ItemCount(0, 64, "label")]
    [Keys(TextPatterns.LabelKey, TextPatterns.LabelKeyLength, TextPatterns.LabelKeyText)]
    [Text(TextPatterns.LabelValue, TextPatterns.LabelValueLength, TextPatterns.LabelValueText)]
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }

    /// <summary>Taints that are tolerated.</summary>
    [ItemCount(0, 64, "toleration")]
    public IReadOnlyList<PodToleration>? Tolerations { get; init; }

    /// <summary>CPU request and limit of a pod, as a Kubernetes quantity, such as <c>8</c> or <c>500m</c>.</summary>
    [Text(TextPatterns.Quantity, TextPatterns.QuantityLength, TextPatterns.QuantityText)]
    public string? Cpu { get; init; }

    /// <summary>Memory request and limit of a pod, as a Kubernetes quantity, such as <c>64Gi</c>.</summary>
    [Text(TextPatterns.Quantity, TextPatterns.QuantityLength, TextPatterns.QuantityText)]
    public string? Memory { get; init; }

    /// <summary>
    /// Size of <c>/dev/shm</c>, as a Kubernetes quantity. Left out, 1 GiB for every GPU of the node, at least 1 GiB: NCCL's shared buffers take
    /// some tens of MiB per pair of GPUs (INFERRED).
    /// </summary>
    [Text(TextPatterns.Quantity, TextPatterns.QuantityLength, TextPatterns.QuantityText)]
    public string? SharedMemory { get; init; }

    /// <summary>Size limit of the scratch folder, as a Kubernetes quantity; left out, none.</summary>
    [Text(TextPatterns.Quantity, TextPatterns.QuantityLength, TextPatterns.QuantityText)]
    public string? Scratch { get; init; }

    /// <summary>Further environment variables, such as <c>NCCL_*</c>; those of the operator's own contract are refused.</summary>
    [ItemCount(0, 64, "variable")]
    [Keys("[A-Za-z_][A-Za-z0-9_]*", 255, "a name of letters, digits and '_'")]
    [Text(@"[\s\S]*", 4096, "text")]
    [ValidationRule(Expressions.EnvironmentIsNotOurs, "environment must not have the variables by which operator and trainer agree: " + Expressions.ReservedEnvironment)]
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Service account, for workload identity; left out, the namespace's default. Its API token is never mounted.</summary>
    [Text(TextPatterns.Subdomain, TextPatterns.SubdomainLength, TextPatterns.SubdomainText)]
    public string? ServiceAccountName { get; init; }

    /// <summary>Priority class of the pods.</summary>
    [Text(TextPatterns.Subdomain, TextPatterns.SubdomainLength, TextPatterns.SubdomainText)]
    public string? PriorityClassName { get; init; }

    /// <summary>Scheduler of the pods; left out, the cluster's.</summary>
    [Text(TextPatterns.Subdomain, TextPatterns.SubdomainLength, TextPatterns.SubdomainText)]
    public string? SchedulerName { get; init; }
}

/// <summary>A taint that is tolerated, as in a pod.</summary>
[ValidationRule("self.operator != 'Equal' || has(self.key)", "key must be given with the operator Equal")]
[ValidationRule("self.operator != 'Exists' || !has(self.value)", "value must be left out with the operator Exists")]
[ValidationRule("!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')", "tolerationSeconds must be left out without the effect NoExecute")]
public sealed record PodToleration
{
    /// <summary>The taint's key; left out with the operator <c>Exists</c>, all are tolerated.</summary>
    [Text(TextPatterns.LabelKey, TextPatterns.LabelKeyLength, TextPatterns.LabelKeyText)]
    public string? Key { get; init; }

    /// <summary><c>Exists</c> or <c>Equal</c>.</summary>
    [OneOf("Equal", "Exists")]
    public string Operator { get; init; } = "Equal";

    /// <summary>The taint's value, with <c>Equal</c>.</summary>
    [Text(TextPatterns.LabelValue, TextPatterns.LabelValueLength, TextPatterns.LabelValueText)]
    public string? Value { get; init; }

    /// <summary><c>NoSchedule</c>, <c>PreferNoSchedule</c> or <c>NoExecute</c>; left out, every effect.</summary>
    [OneOf("NoSchedule", "PreferNoSchedule", "NoExecute")]
    public string? Effect { get; init; }

    /// <summary>Seconds that a <c>NoExecute</c> taint is tolerated; left out, for ever.</summary>
    public long? TolerationSeconds { get; init; }
}
