using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Images;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Text;

namespace VisualPriors.Training.Batches;

/// <summary>
/// Micro-batches over an image-text set. Sample n of a run is a keyed permutation of the set, a new one each epoch, so the order is a
/// pure function of (seed, step, slot).
/// </summary>
internal sealed class ImageTextBatches(
    ImageTextDataset dataset,
    Func<ImageTextSample, LabelledSequence> build,
    bool withImages,
    int imageSize,
    AdaptationTrainingSpec training,
    RankShare share,
    long seed)
{
    /// <summary>Optimizer steps of the run: a last batch that would be partly filled is filled from the next epoch's order.</summary>
    public long TotalSteps => StageSteps.Of(training, dataset.Count);

    /// <summary>This rank's micro-batches of a step.</summary>
    public MicroBatch[] Load(long step) =>
        [.. share.Cut(training.GlobalBatchSize, training.MicroBatchSize).Select(micro => Collate(
            [.. Enumerable.Range(micro.First, micro.Count).Select(slot => SampleAt((step * training.GlobalBatchSize) + slot))]))];

    private ImageTextSample SampleAt(long n)
    {
        var epoch = n / dataset.Count;
        var key = unchecked((ulong)seed * 0x9E3779B97F4A7C15UL + (ulong)epoch);
        return dataset[(int)Permutation.At(n % dataset.Count, dataset.Count, key)];
    }

    private MicroBatch Collate(IReadOnlyList<ImageTextSample> samples)
    {
        var sequences = samples.Select(build).ToList();

        // Inputs are a sequence without its last token, targets the labels without the first: a shift by one.
        var length = sequences.Max(sequence => sequence.Tokens.Length) - 1;
        var inputs = new long[samples.Count * length];
        var targets = new long[samples.Count * length];
        Array.Fill(targets, MicroBatch.Ignore);
        var supervised = 0;
        var tokens = 0;
        for (var row = 0; row < sequences.Count; row++)
        {
            var (ids, labels) = (sequences[row].Tokens, sequences[row].Labels);
            tokens += ids.Length - 1;
            for (var t = 0; t + 1 < ids.Length; t++)
            {
                inputs[row * length + t] = ids[t];
                targets[row * length + t] = labels[t + 1];
                supervised += labels[t + 1] == MicroBatch.Ignore ? 0 : 1;
            }
        }

        var images = withImages
            ? samples.Where(sample => sample.ImagePath is not null).Select(sample => ImageDecoder.DecodeRgb(sample.ImagePath!, imageSize)).ToArray()
            : [];
        return new MicroBatch
        {
            BatchSize = samples.Count,
            Length = length,
            Inputs = inputs,
            Targets = targets,
            Images = images.Length > 0 ? images : null,
            Sources = [.. samples.Select(sample => $"sample {sample.Id}")],
            SupervisedTokens = supervised,
            Tokens = tokens,
        };
    }
}
