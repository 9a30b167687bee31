using VisualPriors.Api.Resources;
using VisualPriors.Models;
using VisualPriors.Torch;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>The loss of the stages that adapt a multimodal model: they differ in what is trainable and in how text is labelled.</summary>
internal static class MultimodalLoss
{
    /// <summary>What the training loop needs to know of such a stage.</summary>
    public static TrainingTask Task(MultimodalModel model, ImageTextBatches batches, AdaptationTrainingSpec training) => new()
    {
        TotalSteps = batches.TotalSteps,
        Optimizer = training.Optimizer,
        LossProtection = training.LossProtection,
        Load = batches.Load,
        SampleLosses = batch => SampleLosses(model, batch),
    };

    /// <summary>What such a stage reports at its end.</summary>
    public static Dictionary<string, double> Results(TrainingSummary summary, ImageTextBatches batches) => new()
    {
        ["finalLoss"] = summary.FinalLoss,
        ["steps"] = batches.TotalSteps,
        ["skippedSteps"] = summary.SkippedSteps,
        ["rollbacks"] = summary.Rollbacks,
    };

    /// <summary>Summed loss of every sample over its supervised tokens, [samples] fp32.</summary>
    public static Tensor SampleLosses(MultimodalModel model, MicroBatch batch)
    {
        var device = model.Decoder.Device;
        var inputs = tensor(batch.Inputs, device: device).view(batch.BatchSize, batch.Length);
        var images = batch.Images is null ? null : ImageNormalisation.FromRgb(batch.Images, model.Encoder.Configuration.ImageSize).to(device);
        var hidden = model.Decoder.Hidden(model.Embed(inputs, images));

        // The output layer is the dearest part of a small model, and most positions are not supervised: only those go through it.
        var positions = new long[batch.SupervisedTokens];
        var rows = new long[batch.SupervisedTokens];
        var targets = new long[batch.SupervisedTokens];
        var count = 0;
        for (var i = 0; i < batch.Targets.Length; i++)
        {
            if (batch.Targets[i] != MicroBatch.Ignore)
            {
                (positions[count], rows[count], targets[count]) = (i, i / batch.Length, batch.Targets[i]);
                count++;
            }
        }

        var supervised = hidden.view(-1, hidden.shape[^1]).index_select(0, tensor(positions, device: device));
        var losses = model.Decoder.TokenLosses(supervised, tensor(targets, device: device));
        return zeros(batch.BatchSize, device: device).AddRowsInPlace(tensor(rows, device: device), losses);
    }
}
