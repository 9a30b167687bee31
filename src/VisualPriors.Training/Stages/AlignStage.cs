using VisualPriors.Api.Plans;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tokenization;
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
        var dataset = ImageTextDataset.Open(work.Input(StageInputs.Captions, ArtifactKind.ImageText).Directory);
        var dtype = computation.Precision.ToScalarType();
        var decoder = DecoderFolder.Load(languageModel, CPU, dtype);
        var encoder = VisionEncoder.Load(work.Input(StageInputs.VisionEncoder, ArtifactKind.VisionEncoder).Directory, CPU, dtype);
        var projector = new Projector(
            encoder.Configuration.HiddenSize, decoder.Configuration.Dimensions.HiddenSize, computation.VisualTokens, CPU, dtype);
        projector.Initialise(computation.Seed);
        using var model = new MultimodalModel(encoder, projector, decoder);
        foreach (var parameter in decoder.parameters())
        {
            parameter.requires_grad = false;
        }

        using var optimizer = new MasterWeightAdamW([.. TrainableParameters.Of(projector, prefix: "")], computation.Training.Optimizer);
        var sequences = new SequenceBuilder(tokenizer, computation.VisualTokens, computation.Training.MaximumLength);
        var batches = new ImageTextBatches(
            dataset, sequences.Caption, withImages: true, encoder.Configuration.ImageSize, computation.Training, computation.Seed);
        var summary = AdaptationLoop.Run(work, model, batches, optimizer, computation.Training.Optimizer, cancellationToken);
        work.SaveProjector(projector, optimizer.Masters);
        return new Dictionary<string, double> { ["finalLoss"] = summary.FinalLoss, ["steps"] = batches.TotalSteps };
    }
}
