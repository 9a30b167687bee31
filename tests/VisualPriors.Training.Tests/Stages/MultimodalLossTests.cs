using VisualPriors.Data.ImageText;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests.Stages;

public sealed class MultimodalLossTests
{
    /// <summary>Data and Models do not know each other; what one writes the other must find.</summary>
    [Fact]
    public void The_mark_of_an_image_is_the_same_in_sequences_and_in_the_model() =>
        Assert.Equal(LabelledSequence.ImageToken, MultimodalModel.ImageToken);

    [Fact]
    public void It_is_the_loss_of_the_supervised_tokens_alone_summed_by_sample()
    {
        using var model = TinyModel.Multimodal();
        var batch = TinyModel.ImageBatch(1);

        var losses = MultimodalLoss.SampleLosses(model, batch);

        var images = ImageNormalisation.FromRgb(batch.Images!, TinyModel.ImageSize);
        var hidden = model.Decoder.Hidden(model.Embed(tensor(batch.Inputs).view(1, -1), images));
        var logits = model.Decoder.Logits(hidden)[0];
        var expected = nn.functional.cross_entropy(logits, tensor(batch.Targets), ignore_index: MicroBatch.Ignore, reduction: nn.Reduction.Sum);
        Assert.Equal(expected.item<float>(), losses.item<float>(), 1e-4f);
    }

    [Fact]
    public void Padding_behind_a_sample_changes_nothing()
    {
        using var model = TinyModel.Multimodal();
        var batch = TinyModel.ImageBatch(1);
        var padded = batch with
        {
            Length = batch.Length + 3,
            Inputs = [.. batch.Inputs, 0, 0, 0],
            Targets = [.. batch.Targets, MicroBatch.Ignore, MicroBatch.Ignore, MicroBatch.Ignore],
        };

        Assert.Equal(
            MultimodalLoss.SampleLosses(model, batch).item<float>(), MultimodalLoss.SampleLosses(model, padded).item<float>(), 1e-5f);
    }
}
