using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>
/// Every rule that a run must keep, beyond the types of its fields. Rules are pure functions, one idea each, so that the operator can
/// hold the same ones.
/// </summary>
public static class RunRules
{
    private static readonly Func<Run, IEnumerable<Violation>>[] Alone =
    [
        MetadataRules.NamesAreLabels,
        ModelRules.PresetOrDimensions,
        ModelRules.DimensionsFit,
        MixtureRules.WeightsMakeAMixture,
        TrainingRules.SizesArePositive,
        TrainingRules.MicroBatchDividesGlobalBatch,
        TrainingRules.OptimizerIsSane,
        TrainingRules.OneKindOfWarmup,
        ComputeRules.SizesMakeSense,
        ComputeRules.ProcessesDivideGlobalBatch,
        ComputeRules.GpusOrProcesses,
        ComputeRules.EvaluationIsOneProcess,
        VisionRules.VisualTokensFormAGrid,
        VisionRules.SuitesAreGiven,
        DataNameRules.NamesStayBelowTheDataRoot,
        ReferenceRules.UpstreamIsOfAnAllowedKind,
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
    public static IEnumerable<Violation> CheckAlone(Run run) => Alone.SelectMany(rule => rule(run));
}
