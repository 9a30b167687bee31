using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>How many optimizer steps a stage takes: the control plane shows it, the trainer goes by it.</summary>
public static class StageSteps
{
    /// <summary>Steps of pre-training: its tokens, rounded up to whole global batches.</summary>
    public static long Of(PretrainTrainingSpec training)
    {
        var tokensPerStep = (long)training.SequenceLength * training.GlobalBatchSize;
        return training.Tokens / tokensPerStep + (training.Tokens % tokensPerStep == 0 ? 0 : 1);
    }

    /// <summary>Steps over an image-text set of <paramref name="samples"/> samples: its passes, rounded up to whole global batches.</summary>
    public static long Of(AdaptationTrainingSpec training, long samples) =>
        (long)Math.Ceiling(training.Epochs * samples / training.GlobalBatchSize);
}
