using VisualPriors.Models;
using VisualPriors.Torch;
using VisualPriors.Training.Batches;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>The loss of the stages that see images.</summary>
internal static class MultimodalLoss
{
    /// <summary>Summed loss of every sample over its supervised tokens, [samples] fp32.</summary>
    public static Tensor SampleLosses(MultimodalModel model, MicroBatch batch)
    {
        var inputs = tensor(batch.Inputs).view(batch.BatchSize, batch.Length);
        var images = batch.Images is null ? null : ImageNormalisation.FromRgb(batch.Images, model.Encoder.Configuration.ImageSize);
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

        var supervised = hidden.view(-1, hidden.shape[^1]).index_select(0, tensor(positions));
        var losses = model.Decoder.TokenLosses(supervised, tensor(targets));
        return zeros(batch.BatchSize).AddRowsInPlace(tensor(rows), losses);
    }
}
