using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests;

/// <summary>Models, batches and settings small enough to train in milliseconds.</summary>
internal static class TinyModel
{
    public const int Vocabulary = 32;
    public const int VisualTokens = 4;
    public const int ImageSize = 16;

    public static OptimizerSpec Optimizer { get; } = new() { LearningRate = 0.01, WarmupSteps = 2, WeightDecay = 0.1 };

    public static Decoder Decoder(ScalarType dtype = ScalarType.Float32)
    {
        var dimensions = new DecoderDimensions { Layers = 2, HiddenSize = 16, Heads = 2, KeyValueHeads = 1, FeedForwardSize = 32 };
        var decoder = new Decoder(new DecoderConfiguration { Dimensions = dimensions, VocabularySize = Vocabulary }, CPU, dtype);
        decoder.Initialise(1);
        return decoder;
    }

    public static MultimodalModel Multimodal()
    {
        var encoder = new VisionEncoder(
            new VisionEncoderConfiguration { ImageSize = ImageSize, PatchSize = 4, HiddenSize = 8, Layers = 1, Heads = 2, FeedForwardSize = 16 },
            CPU,
            ScalarType.Float32);
        encoder.Initialise(2);
        var projector = new Projector(8, 16, VisualTokens);
        projector.Initialise(3);
        return new MultimodalModel(encoder, projector, Decoder());
    }

    /// <summary>Every parameter's name and bytes.</summary>
    public static Dictionary<string, float[]> Weights(nn.Module module) =>
        module.named_parameters().ToDictionary(item => item.name, item => item.parameter.detach().to(ScalarType.Float32).data<float>().ToArray());

    /// <summary>Text batches whose sequences repeat a pattern, cut into micro-batches: a pure function of the step.</summary>
    public static MicroBatch[] TextBatches(long step, int globalBatchSize, int microBatchSize, int length = 6)
    {
        var samples = Enumerable.Range(0, globalBatchSize).Select(slot => Enumerable.Range(0, length + 1)
            .Select(t => (long)((t * (1 + (slot % 3))) + step + slot) % Vocabulary).ToArray()).ToList();
        return [.. samples.Chunk(microBatchSize).Select((rows, i) => new MicroBatch
        {
            BatchSize = rows.Length,
            Length = length,
            Inputs = [.. rows.SelectMany(row => row[..^1])],
            Targets = [.. rows.SelectMany(row => row[1..])],
            Sources = [.. rows.Select((_, j) => $"source-{(i * microBatchSize) + j}")],
            SupervisedTokens = rows.Length * length,
            Tokens = rows.Length * length,
        })];
    }

    /// <summary>One image with a question of two tokens and an answer of two.</summary>
    public static MicroBatch ImageBatch(long step)
    {
        var image = new byte[ImageSize * ImageSize * 3];
        new Random((int)step).NextBytes(image);
        long[] inputs = [.. Enumerable.Repeat(MultimodalModel.ImageToken, VisualTokens), 5, 6, 7];
        long[] targets = [.. Enumerable.Repeat((long)MicroBatch.Ignore, VisualTokens + 1), 7, 8];
        return new MicroBatch
        {
            BatchSize = 1,
            Length = inputs.Length,
            Inputs = inputs,
            Targets = targets,
            Images = [image],
            Sources = ["sample 0"],
            SupervisedTokens = 2,
            Tokens = inputs.Length,
        };
    }

    /// <summary>An optimizer over units, for one process.</summary>
    public static ShardedAdamW AdamW(IEnumerable<ParameterUnit> units) => new([.. units], Optimizer, new SingleProcess(), new ShardingSpec());

    /// <summary>Runs a task; gives its log's lines.</summary>
    public static string[] Run(TrainingTask task, ShardedAdamW optimizer)
    {
        using var world = new SingleProcess();
        using var loop = new TrainingLoop(task, optimizer, world, checkpointer: null, _ => { });
        loop.Run(CancellationToken.None);
        return System.Text.Encoding.UTF8.GetString(loop.Log.ToBytes()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
