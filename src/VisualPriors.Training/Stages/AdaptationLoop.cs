using VisualPriors.Api.Resources;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;

namespace VisualPriors.Training.Stages;

/// <summary>The training loop of both stages that adapt a multimodal model: they differ in what is trainable and in how text is labelled.</summary>
internal static class AdaptationLoop
{
    /// <summary>Trains to the end and writes <c>metrics.jsonl</c>.</summary>
    public static TrainingSummary Run(
        StageWork work,
        MultimodalModel model,
        ImageTextBatches batches,
        MasterWeightAdamW optimizer,
        OptimizerSpec settings,
        CancellationToken cancellationToken)
    {
        using var log = new MetricsLog(work.Output.PathOf(MetricsLog.FileName));
        var task = new TrainingTask
        {
            TotalSteps = batches.TotalSteps,
            Optimizer = settings,
            Load = batches.Load,
            SampleLosses = batch => MultimodalLoss.SampleLosses(model, batch),
        };
        return TrainingLoop.Run(task, optimizer, log, work.Report, cancellationToken);
    }
}
