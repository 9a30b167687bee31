using System.Text.Json;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>
/// Names the part of a run's spec that must not change once it was accepted: all but <c>suspend</c>, <c>ttlSecondsAfterFinished</c> and
/// <c>failurePolicy</c>. For servers that cannot hold the CRD's own rules on changes.
/// </summary>
public static class SpecDigest
{
    /// <summary>This build of the resources: a later one may know more fields, so digests of two builds say nothing of each other.</summary>
    private static readonly string Build = typeof(Run).Module.ModuleVersionId.ToString("N")[..8];

    /// <summary>The digest, as <c>build:hash</c>.</summary>
    public static string Of(Run run)
    {
        var node = run switch
        {
            PretrainRun pretrain => JsonSerializer.SerializeToNode(pretrain with { Metadata = Nobody, Spec = Fixed(pretrain.Spec) }, ManifestJson.Default.PretrainRun),
            AlignRun align => JsonSerializer.SerializeToNode(align with { Metadata = Nobody, Spec = Fixed(align.Spec) }, ManifestJson.Default.AlignRun),
            SftRun sft => JsonSerializer.SerializeToNode(sft with { Metadata = Nobody, Spec = Fixed(sft.Spec) }, ManifestJson.Default.SftRun),
            EvalRun eval => JsonSerializer.SerializeToNode(eval with { Metadata = Nobody, Spec = Fixed(eval.Spec) }, ManifestJson.Default.EvalRun),
            _ => throw new ArgumentException($"no spec digest for a {run.Kind}", nameof(run)),
        };
        return $"{Build}:{StageDigest.OfCanonical(node!)}";
    }

    /// <summary>Whether a run still is what it was when <paramref name="before"/> was taken, as far as this build can tell.</summary>
    public static bool IsUnchanged(string before, string now) =>
        before == now || before.Split(':')[0] != now.Split(':')[0];

    private static readonly ObjectMeta Nobody = new() { Name = "" };

    private static TSpec Fixed<TSpec>(TSpec spec)
        where TSpec : RunSpec => (TSpec)(spec with { Suspend = false, TtlSecondsAfterFinished = null, FailurePolicy = new() });
}
