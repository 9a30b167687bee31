using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>The resources there are, by kind.</summary>
internal static class ResourceKinds
{
    /// <summary>The kinds that compute.</summary>
    public static IReadOnlyDictionary<string, JsonTypeInfo> Runs { get; } = new Dictionary<string, JsonTypeInfo>(StringComparer.Ordinal)
    {
        ["PretrainRun"] = ManifestJson.Default.PretrainRun,
        ["AlignRun"] = ManifestJson.Default.AlignRun,
        ["SftRun"] = ManifestJson.Default.SftRun,
        ["EvalRun"] = ManifestJson.Default.EvalRun,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyDictionary<string, JsonTypeInfo> All { get; } =
        new Dictionary<string, JsonTypeInfo>(Runs, StringComparer.Ordinal) { [Pipeline.Kind] = ManifestJson.Default.Pipeline };
}
