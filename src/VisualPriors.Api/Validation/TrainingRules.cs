using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on length, batch and optimizer.</summary>
internal static class TrainingRules
{
    private const string Field = "spec.training";

    /// <summary>Every micro-batch of a global batch is of the same size.</summary>
    public static IEnumerable<Violation> MicroBatchDividesGlobalBatch(Run run)
    {
        var (micro, global) = run is PretrainRun { Spec.Training: var pretraining }
            ? (pretraining.MicroBatchSize, pretraining.GlobalBatchSize)
            : (AdaptationOf(run)?.MicroBatchSize, AdaptationOf(run)?.GlobalBatchSize ?? 0);
        if (micro is >= 1 && global >= 1 && global % micro != 0)
        {
            yield return new Violation(run, $"{Field}.microBatchSize", $"{micro}", $"a divisor of globalBatchSize ({global})");
        }
    }

    /// <summary>Warm-up is given in steps or as a share, not both.</summary>
    public static IEnumerable<Violation> OneKindOfWarmup(Run run)
    {
        if (OptimizerOf(run) is { WarmupSteps: > 0, WarmupRatio: > 0 })
        {
            yield return new Violation(run, $"{Field}.optimizer", "both warmupSteps and warmupRatio", "one of the two");
        }
    }

    private static AdaptationTrainingSpec? AdaptationOf(Run run) => run switch
    {
        AlignRun align => align.Spec.Training,
        SftRun sft => sft.Spec.Training,
        _ => null,
    };

    private static OptimizerSpec? OptimizerOf(Run run) =>
        run is PretrainRun pretrain ? pretrain.Spec.Training.Optimizer : AdaptationOf(run)?.Optimizer;
}
