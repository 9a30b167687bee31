using VisualPriors.Api.Resources;

namespace VisualPriors.Training.Optimization;

/// <summary>Linear warm-up, then half a cosine down to a share of the peak.</summary>
public static class LearningRateSchedule
{
    /// <summary>Learning rate of a step.</summary>
    /// <param name="spec">Peak, warm-up and minimum.</param>
    /// <param name="step">The step, counted from 1 (the first step already moves: at 1 / warm-up steps of the peak).</param>
    /// <param name="totalSteps">Steps in all; the last one has the minimum.</param>
    public static double At(OptimizerSpec spec, long step, long totalSteps)
    {
        var warmup = spec.WarmupSteps > 0 ? spec.WarmupSteps : (long)Math.Ceiling(spec.WarmupRatio * totalSteps);
        if (step <= warmup)
        {
            return spec.LearningRate * step / warmup;
        }

        var progress = Math.Min(1, (double)(step - warmup) / Math.Max(1, totalSteps - warmup));
        var cosine = 0.5 * (1 + Math.Cos(Math.PI * progress));
        return spec.LearningRate * (spec.MinimumLearningRateRatio + ((1 - spec.MinimumLearningRateRatio) * cosine));
    }
}
