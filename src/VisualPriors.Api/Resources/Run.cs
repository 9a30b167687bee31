using System.Text.Json.Serialization;
using VisualPriors.Api.Json;

namespace VisualPriors.Api.Resources;

/// <summary>A run resource as it stands in a manifest: what every kind has in common.</summary>
public abstract record Run
{
    /// <summary>The API group and version of every resource of this project.</summary>
    public const string GroupVersion = "visualpriors.dev/v1alpha1";

    /// <summary>Name and labels.</summary>
    public required ObjectMeta Metadata { get; init; }

    /// <summary>The resource's kind, as in the manifest: <c>PretrainRun</c>, <c>AlignRun</c>, <c>SftRun</c> or <c>EvalRun</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The run whose artifact this one takes as input; null for a kind that starts a chain.</summary>
    [JsonIgnore]
    public abstract RunReference? Upstream { get; }
}

/// <summary>The part of Kubernetes' object metadata that a manifest may set.</summary>
public sealed record ObjectMeta
{
    /// <summary>Name, unique per kind: an RFC 1123 label.</summary>
    public required string Name { get; init; }

    /// <summary>Kubernetes namespace; without meaning for a local run.</summary>
    public string? Namespace { get; init; }

    /// <summary>Labels for selection; they do not change what is computed.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations for tools; they do not change what is computed.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>Points at the run whose artifact is taken as input; that run is waited for.</summary>
public sealed record RunReference
{
    /// <summary>Kind of the upstream run.</summary>
    public required string Kind { get; init; }

    /// <summary>Name of the upstream run.</summary>
    public required string Name { get; init; }
}

/// <summary>Numeric precision of the compute copies; masters and optimizer state are always fp32.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<Precision>))]
public enum Precision
{
    /// <summary>bf16 matrix products over fp32 masters (the paper's, INFERRED: paper.md 1.1).</summary>
    Bf16,

    /// <summary>Everything in fp32: for comparisons and references.</summary>
    Fp32,
}

/// <summary>Where and how a run computes. Only <see cref="Precision"/> changes what is computed.</summary>
public sealed record ComputeSpec
{
    /// <summary>Precision of the compute copies.</summary>
    public Precision Precision { get; init; } = Precision.Bf16;

    /// <summary>CPU threads per process; 0 takes all cores.</summary>
    public int Threads { get; init; }
}
