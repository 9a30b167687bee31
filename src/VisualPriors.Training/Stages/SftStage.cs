using VisualPriors.Api.Plans;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tokenization;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Instruction-tunes projector and decoder; the encoder stays as it is (paper.md 3, stage 2).</summary>
public static class SftStage
{
    private const string ProjectorPrefix = "projector.";
    private const string DecoderPrefix = "decoder.";

    /// <summary>Runs the stage and writes <c>language-model/</c>, <c>projector/</c> and <c>metrics.jsonl</c>.</summary>
    public static IReadOnlyDictionary<string, double> Run(StageWork work, SftComputation computation, CancellationToken cancellationToken)
    {
        var languageModel = work.Input(StageInputs.LanguageModel, ArtifactKind.Pretrain, ArtifactKind.Sft).PathOf(StageFolders.LanguageModel);
        var tokenizerPath = Path.Combine(languageModel, StageFolders.TokenizerFile);
        using var dataset = ImageTextDataset.Open(work.Input(StageInputs.Instructions, ArtifactKind.ImageText).Directory);
        var dtype = computation.Precision.ToScalarType();
        var encoder = VisionEncoder.Load(work.Input(StageInputs.VisionEncoder, ArtifactKind.VisionEncoder).Directory, work.Device, dtype);
        var projectorFolder = work.Input(StageInputs.Projector, ArtifactKind.Align, ArtifactKind.Sft).PathOf(StageFolders.Projector);
        var projector = Projector.Load(projectorFolder, work.Device, dtype);
        var decoder = DecoderFolder.Load(languageModel, work.Device, dtype);
        using var model = new MultimodalModel(encoder, projector, decoder);

        using var optimizer = work.CreateOptimizer(Trained(model), computation.Training.Optimizer);
        work.RunBlocksThrough(optimizer, decoder);
        RestoreMasters(optimizer, projectorFolder, languageModel);
        var sequences = new SequenceBuilder(TextTokenizer.Load(tokenizerPath), projector.VisualTokens, computation.Training.MaximumLength);
        var batches = new ImageTextBatches(
            dataset,
            sample => sequences.Instruction(sample, computation.Blind),
            withImages: !computation.Blind,
            encoder.Configuration.ImageSize,
            computation.Training,
            work.Share,
            computation.Seed);
        var summary = work.Train(MultimodalLoss.Task(model, batches, computation.Training), optimizer, cancellationToken);
        using var scope = NewDisposeScope();
        var masters = optimizer.GatherMasters(keep: work.Output is not null);
        if (work.Output is not null)
        {
            StageWork.SaveLanguageModel(work.Output, decoder.Configuration, masters.WithPrefix(DecoderPrefix), tokenizerPath);
            StageWork.SaveProjector(work.Output, projector, masters.WithPrefix(ProjectorPrefix));
        }

        return MultimodalLoss.Results(summary, batches);
    }

    /// <summary>Projector and decoder are trained.</summary>
    internal static IEnumerable<ParameterUnit> Trained(MultimodalModel model) =>
        [TrainedUnits.Of(model.Projector, "projector", ProjectorPrefix), .. TrainedUnits.Of(model.Decoder, DecoderPrefix)];

    /// <summary>Upstream weights are fp32 on disk; the model's own copies are rounded, so masters are read again.</summary>
    private static void RestoreMasters(ShardedAdamW optimizer, string projectorFolder, string languageModel)
    {
        using var projector = Projector.Load(projectorFolder);
        using var decoder = DecoderFolder.Load(languageModel, CPU, ScalarType.Float32);
        optimizer.Restore(projector.named_parameters().Select(item => (ProjectorPrefix + item.name, (Tensor)item.parameter)));
        optimizer.Restore(decoder.named_parameters().Select(item => (DecoderPrefix + item.name, (Tensor)item.parameter)));
    }
}
