using System.Globalization;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on length, batch and optimizer.</summary>
internal static class TrainingRules
{
    private const string Field = "spec.training";

    /// <summary>Counts are at least what makes sense.</summary>
    public static IEnumerable<Violation> SizesArePositive(Run run)
    {
        IEnumerable<(string Name, double Value, double Minimum)> sizes = run switch
        {
            PretrainRun { Spec.Training: var training } =>
            [
                ("training.tokens", training.Tokens, 0),
                ("training.sequenceLength", training.SequenceLength, 1),
                ("training.globalBatchSize", training.GlobalBatchSize, 1),
                ("training.microBatchSize", training.MicroBatchSize ?? 1, 1),
                ("training.validation.everySteps", training.Validation.EverySteps, 0),
                ("training.validation.sequences", training.Validation.Sequences, 1),
            ],
            AlignRun { Spec.Training: var training } => OfAdaptation(training),
            SftRun { Spec.Training: var training } => OfAdaptation(training),
            _ => [],
        };
        foreach (var (name, value, minimum) in sizes)
        {
            if (value < minimum)
            {
                yield return new Violation(run, $"spec.{name}", value.ToString(CultureInfo.InvariantCulture), $"at least {minimum}");
            }
        }

        if (AdaptationOf(run) is { Epochs: <= 0 } adaptation)
        {
            yield return new Violation(run, $"{Field}.epochs", adaptation.Epochs.ToString(CultureInfo.InvariantCulture), "a number above 0");
        }
    }

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

    /// <summary>AdamW's settings lie where it is defined.</summary>
    public static IEnumerable<Violation> OptimizerIsSane(Run run)
    {
        if (OptimizerOf(run) is not { } optimizer)
        {
            return [];
        }

        (string Name, double Value, bool IsFine, string Expected)[] settings =
        [
            ("learningRate", optimizer.LearningRate, optimizer.LearningRate > 0, "a number above 0"),
            ("warmupSteps", optimizer.WarmupSteps, optimizer.WarmupSteps >= 0, "at least 0"),
            ("warmupRatio", optimizer.WarmupRatio, optimizer.WarmupRatio is >= 0 and <= 1, "a share from 0 to 1"),
            ("minimumLearningRateRatio", optimizer.MinimumLearningRateRatio, optimizer.MinimumLearningRateRatio is >= 0 and <= 1, "a share from 0 to 1"),
            ("beta1", optimizer.Beta1, optimizer.Beta1 is >= 0 and < 1, "a number from 0 to below 1"),
            ("beta2", optimizer.Beta2, optimizer.Beta2 is >= 0 and < 1, "a number from 0 to below 1"),
            ("epsilon", optimizer.Epsilon, optimizer.Epsilon > 0, "a number above 0"),
            ("weightDecay", optimizer.WeightDecay, optimizer.WeightDecay >= 0, "at least 0"),
            ("gradientClip", optimizer.GradientClip, optimizer.GradientClip >= 0, "at least 0"),
        ];
        return settings
            .Where(setting => !setting.IsFine)
            .Select(setting => new Violation(
                run, $"{Field}.optimizer.{setting.Name}", setting.Value.ToString(CultureInfo.InvariantCulture), setting.Expected));
    }

    /// <summary>Warm-up is given in steps or as a share, not both.</summary>
    public static IEnumerable<Violation> OneKindOfWarmup(Run run)
    {
        if (OptimizerOf(run) is { WarmupSteps: > 0, WarmupRatio: > 0 })
        {
            yield return new Violation(run, $"{Field}.optimizer", "both warmupSteps and warmupRatio", "one of the two");
        }
    }

    private static IEnumerable<(string Name, double Value, double Minimum)> OfAdaptation(AdaptationTrainingSpec training) =>
    [
        ("training.globalBatchSize", training.GlobalBatchSize, 1),
        ("training.microBatchSize", training.MicroBatchSize ?? 1, 1),
        ("training.maximumLength", training.MaximumLength, 1),
    ];

    private static AdaptationTrainingSpec? AdaptationOf(Run run) => run switch
    {
        AlignRun align => align.Spec.Training,
        SftRun sft => sft.Spec.Training,
        _ => null,
    };

    private static OptimizerSpec? OptimizerOf(Run run) =>
        run is PretrainRun pretrain ? pretrain.Spec.Training.Optimizer : AdaptationOf(run)?.Optimizer;
}
