using TorchSharp;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Stages;

namespace VisualPriors.Training.Tests.Stages;

public sealed class TrainableTests
{
    [Fact]
    public void Alignment_moves_the_projector_and_nothing_else_to_the_bit()
    {
        using var model = TinyModel.Multimodal();

        var moved = Moved(model, AlignStage.Trained(model));

        Assert.Equal((false, true, false), moved);
    }

    [Fact]
    public void Fine_tuning_moves_projector_and_decoder_and_leaves_the_encoder_to_the_bit()
    {
        using var model = TinyModel.Multimodal();

        var moved = Moved(model, SftStage.Trained(model));

        Assert.Equal((false, true, true), moved);
    }

    private static (bool Encoder, bool Projector, bool Decoder) Moved(MultimodalModel model, IEnumerable<ParameterUnit> units)
    {
        var modules = new torch.nn.Module[] { model.Encoder, model.Projector, model.Decoder };
        var before = modules.Select(TinyModel.Weights).ToList();
        using (var optimizer = TinyModel.AdamW(units))
        {
            TinyModel.Run(
                new TrainingTask
                {
                    TotalSteps = 4,
                    Optimizer = TinyModel.Optimizer,
                    Load = step => [TinyModel.ImageBatch(step)],
                    SampleLosses = batch => MultimodalLoss.SampleLosses(model, batch),
                },
                optimizer);
        }

        var moved = modules.Zip(before, (module, old) => !old.All(item => item.Value.SequenceEqual(TinyModel.Weights(module)[item.Key]))).ToList();
        return (moved[0], moved[1], moved[2]);
    }
}
