using System.Text.Json;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>Writes custom resources as an API server takes them.</summary>
public static class ResourceWriter
{
    /// <summary>A run's desired state, every default filled in.</summary>
    public static JsonElement SpecOf(Run run)
    {
        var json = run switch
        {
            PretrainRun pretrain => JsonSerializer.SerializeToElement(pretrain, ManifestJson.Default.PretrainRun),
            AlignRun align => JsonSerializer.SerializeToElement(align, ManifestJson.Default.AlignRun),
            SftRun sft => JsonSerializer.SerializeToElement(sft, ManifestJson.Default.SftRun),
            EvalRun eval => JsonSerializer.SerializeToElement(eval, ManifestJson.Default.EvalRun),
            _ => throw new ArgumentException($"no spec for a {run.Kind}", nameof(run)),
        };
        return json.GetProperty("spec");
    }
}
