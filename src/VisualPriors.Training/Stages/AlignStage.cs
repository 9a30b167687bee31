using VisualPriors.Api.Plans;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tokenization;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Trains the projector on image-caption pairs; encoder and decoder stay as they are, to the bit (paper.md 3, stage 1).</summary>
public static class AlignStage
{
    /// <summary>Runs the stage and writes <c>projector/</c> and <c>metrics.jsonl</c>.</summary>
    public static IReadOnlyDictionary<string, double> Run(StageWork work, AlignComputation computation, CancellationToken cancellationToken)
    {
        var languageModel = work.Input(StageInputs.LanguageModel, ArtifactKind.Pretrain).PathOf(StageFolders.LanguageModel);
        var tokenizer = TextTokenizer.Load(Path.Combine(languageModel, StageFolders.TokenizerFile));
        using var dataset = ImageTextDataset.Open(work.Input(StageInputs.Captions, ArtifactKind.ImageText).Directory);
        var dtype = computation.Precision.ToScalarType();
        var decoder = DecoderFolder.Load(languageModel, work.Device, dtype);
        var encoder = VisionEncoder.Load(work.Input(StageInputs.VisionEncoder, ArtifactKind.VisionEncoder).Directory, work.Device, dtype);
        var projector = new Projector(
            encoder.Configuration.HiddenSize, decoder.Configuration.Dimensions.HiddenSize, computation.VisualTokens, work.Device, dtype);
        projector.Initialise(computation.Seed);
        using var model = new MultimodalModel(encoder, projector, decoder);
        using var optimizer = work.CreateOptimizer(Trained(model), computation.Training.Optimizer);
        work.RunBlocksThrough(optimizer, decoder);
        var sequences = new SequenceBuilder(tokenizer, computation.VisualTokens, computation.Training.MaximumLength);
        var batches = new ImageTextBatches(
            dataset, sequences.Caption, withImages: true, encoder.Configuration.ImageSize, computation.Training, work.Share, computation.Seed);
        var summary = work.Train(MultimodalLoss.Task(model, batches, computation.Training), optimizer, cancellationToken);
        using var scope = NewDisposeScope();
        var masters = optimizer.GatherMasters(keep: work.Output is not null);
        if (work.Output is not null)
        {
            StageWork.SaveProjector(work.Output, projector, masters);
        }

        return MultimodalLoss.Results(summary, batches);
    }

    /// <summary>The projector is trained; the decoder is frozen, so that no gradient is kept for it (the encoder never has any).</summary>
    internal static IEnumerable<ParameterUnit> Trained(MultimodalModel model)
    {
        foreach (var parameter in model.Decoder.parameters())
        {
            parameter.requires_grad = false;
        }

        return [TrainedUnits.Of(model.Projector, "projector", prefix: "")];
    }
}
