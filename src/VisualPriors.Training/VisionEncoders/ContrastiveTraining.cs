using TorchSharp.Modules;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Torch;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.VisionEncoders;

/// <summary>
/// Trains a vision encoder from random initialisation so that an image's mean feature lies nearest to its own caption's (CLIP's
/// image-to-text half). The captions of a step are a bank that may be larger than its images, so that even a small batch meets many
/// wrong captions. Only the encoder is kept.
/// </summary>
public static class ContrastiveTraining
{
    /// <summary>
    /// Divides cosines before the softmax. Twice CLIP's starting value: a sharper softmax stalls at chance for the few thousand images that
    /// a quickstart has time for (0.03 and 0.07 were tried).
    /// </summary>
    private const double Temperature = 0.15;

    /// <summary>Width of the space that images and captions meet in.</summary>
    private const int SharedSize = 128;

    private const double InitialDeviation = 0.02;
    private const int ReportEverySteps = 20;

    /// <summary>Trains an encoder; the result is a function of the arguments alone.</summary>
    /// <param name="configuration">The encoder's shape.</param>
    /// <param name="settings">Length and optimizer.</param>
    /// <param name="load">Batch of a step: a pure function, called on another thread.</param>
    /// <param name="progress">Told step and mean loss every few steps.</param>
    /// <param name="cancellationToken">Stops the training.</param>
    /// <exception cref="TrainingDivergedException">The loss is not finite.</exception>
    public static VisionEncoder Train(
        VisionEncoderConfiguration configuration,
        ContrastiveSettings settings,
        Func<long, ContrastiveBatch> load,
        Action<long, double> progress,
        CancellationToken cancellationToken)
    {
        const ScalarType dtype = ScalarType.BFloat16; // over fp32 masters
        var encoder = new VisionEncoder(configuration, CPU, dtype);
        encoder.Initialise(settings.Seed);
        using var generator = new Generator((ulong)settings.Seed);
        using var projection = new Parameter(Normal([SharedSize, configuration.HiddenSize], generator, dtype));
        using var words = new Parameter(Normal([settings.VocabularySize, SharedSize], generator, dtype));
        var captionBank = new ParameterUnit("captions", null, [new("projection", projection, Decay: true), new("words", words, Decay: false)]);
        using var world = new SingleProcess();
        using var optimizer = new ShardedAdamW([TrainedUnits.Of(encoder, "encoder", ""), captionBank], settings.Optimizer, world, new ShardingSpec());
        var losses = new List<Tensor>();
        using var prefetcher = new Prefetcher<ContrastiveBatch>(load, 0, settings.Steps);
        for (long step = 0; step < settings.Steps; step++)
        {
            var batch = prefetcher.Next(cancellationToken);
            using var scope = NewDisposeScope();
            var features = encoder.Forward(ImageNormalisation.FromRgb(batch.Images, configuration.ImageSize).to(dtype)).mean([1L]);
            var images = nn.functional.normalize(nn.functional.linear(features, projection), dim: 1);
            var captions = nn.functional.normalize(Bag(words, batch.Captions), dim: 1);
            var loss = nn.functional.cross_entropy(images.matmul(captions.t()).to(ScalarType.Float32).Times(1 / Temperature), tensor(batch.CaptionOf, ScalarType.Int64));
            optimizer.Backward(loss, isLast: true);
            optimizer.Step(LearningRateSchedule.At(settings.Optimizer, step + 1, settings.Steps));
            losses.Add(loss.detach().DetachFromDisposeScope());
            if (losses.Count == ReportEverySteps || step + 1 == settings.Steps)
            {
                var mean = losses.Average(value => value.item<float>());
                if (!float.IsFinite(mean))
                {
                    throw new TrainingDivergedException($"the contrastive loss is not finite at step {step + 1}", step + 1);
                }

                progress(step + 1, mean);
                losses.ForEach(value => value.Dispose());
                losses.Clear();
            }
        }

        return encoder;
    }

    /// <summary>
    /// A caption as the mean of its words' vectors, less what all captions of the bank have in common: [captions, shared size].
    /// </summary>
    private static Tensor Bag(Tensor words, IReadOnlyList<IReadOnlyList<int>> captions)
    {
        var length = captions.Max(caption => caption.Count);
        var ids = new long[captions.Count * length];
        var weights = new float[ids.Length];
        for (var row = 0; row < captions.Count; row++)
        {
            for (var i = 0; i < captions[row].Count; i++)
            {
                ids[(row * length) + i] = captions[row][i];
                weights[(row * length) + i] = 1f / captions[row].Count;
            }
        }

        var vectors = TorchOps.Embedding(words, tensor(ids).view(captions.Count, length));
        var bags = (vectors * tensor(weights).view(captions.Count, length, 1).to(words.dtype)).sum(1);
        return bags.Minus(bags.mean([0L], keepdim: true));
    }

    private static Tensor Normal(long[] shape, Generator generator, ScalarType dtype) =>
        (randn(shape, generator: generator) * InitialDeviation).to(dtype);
}

/// <summary>Images and the captions they are to be told apart by.</summary>
/// <param name="Images">RGB rows of every image.</param>
/// <param name="Captions">Token ids of every caption in the bank.</param>
/// <param name="CaptionOf">Index of every image's own caption.</param>
public sealed record ContrastiveBatch(byte[][] Images, IReadOnlyList<IReadOnlyList<int>> Captions, int[] CaptionOf);

/// <summary>Length and optimizer of contrastive training.</summary>
public sealed record ContrastiveSettings
{
    /// <summary>Optimizer steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Seed of the initialisation.</summary>
    public required long Seed { get; init; }

    /// <summary>Number of token ids of the captions' tokenizer.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>AdamW and its schedule.</summary>
    public required OptimizerSpec Optimizer { get; init; }
}
