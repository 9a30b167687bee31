using System.Text.Json.Serialization;
using VisualPriors.Api.Schemas;

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

    /// <summary>The part of its desired state that every kind has.</summary>
    [JsonIgnore]
    public abstract RunSpec Common { get; }

    /// <summary>Where and how it computes.</summary>
    [JsonIgnore]
    public ComputeSpec Compute => Common.Compute;

    /// <summary>When it saves; null for a kind that has nothing to save before its end.</summary>
    [JsonIgnore]
    public virtual CheckpointSpec? Checkpoint => null;
}

/// <summary>The part of Kubernetes' object metadata that a manifest may set.</summary>
public sealed record ObjectMeta
{
    /// <summary>
    /// Longest name of a run. What the operator makes for it is called <c>pretrain-NAME</c> (nine characters more), and a Service's name
    /// has at most 63.
    /// </summary>
    public const int LongestRunName = 52;

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
    [Text(TextPatterns.Label, 63, TextPatterns.LabelText)]
    public required string Name { get; init; }
}
