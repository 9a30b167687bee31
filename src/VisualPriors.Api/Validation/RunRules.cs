using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>
/// Every rule that a run must keep, beyond the types of its fields: what the attributes of its fields say, and rules over several fields.
/// These are pure functions, one idea each, so that the operator can hold the same ones; the schema says them in CEL.
/// </summary>
public static class RunRules
{
    private static readonly Func<Run, IEnumerable<Violation>>[] AcrossFields =
    [
        ModelRules.PresetOrDimensions,
        ModelRules.DimensionsFit,
        MixtureRules.WeightsMakeAMixture,
        TrainingRules.MicroBatchDividesGlobalBatch,
        TrainingRules.OneKindOfWarmup,
        ComputeRules.ProcessesDivideGlobalBatch,
        ComputeRules.GpusOrProcesses,
        ComputeRules.EvaluationIsOneProcess,
        VisionRules.VisualTokensFormAGrid,
        ReferenceRules.UpstreamIsOfAnAllowedKind,
        PodRules.LabelsAreNotOurs,
        PodRules.EnvironmentIsNotOurs,
        PodRules.TolerationsAreWellFormed,
    ];

    private static readonly Func<IReadOnlyList<Run>, IEnumerable<Violation>>[] Together =
    [
        ReferenceRules.NamesAreUnique,
        ReferenceRules.UpstreamExists,
        ReferenceRules.NoCycle,
    ];

    /// <summary>What is wrong with runs that are to be carried out together, looking at how they refer to each other.</summary>
    public static IEnumerable<Violation> CheckTogether(IReadOnlyList<Run> runs) => Together.SelectMany(rule => rule(runs));

    /// <summary>What is wrong with one run, looking at nothing else.</summary>
    public static IEnumerable<Violation> CheckAlone(Run run) =>
        MetadataRules.NamesAreLabels(run)
            .Concat(FieldRules.Check(SpecType(run), run.Common, "spec").Select(violation => new Violation(run, violation.Field, violation.Found, violation.Expected)))
            .Concat(CheckAcrossFields(run));

    /// <summary>What is wrong with one run's desired state beyond what the attributes of its fields say.</summary>
    internal static IEnumerable<Violation> CheckAcrossFields(Run run) => AcrossFields.SelectMany(rule => rule(run));

    private static JsonTypeInfo SpecType(Run run) => ManifestJson.Default.GetTypeInfo(run.Common.GetType())!;
}
