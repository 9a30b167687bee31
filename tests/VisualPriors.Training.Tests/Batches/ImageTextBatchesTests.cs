using SkiaSharp;
using VisualPriors.Api.Resources;
using VisualPriors.Data.ImageText;
using VisualPriors.Storage;
using VisualPriors.Training.Batches;

namespace VisualPriors.Training.Tests.Batches;

public sealed class ImageTextBatchesTests : IDisposable
{
    private const int Samples = 7;
    private readonly string _root = Directory.CreateTempSubdirectory("vp-batches-").FullName;
    private readonly ImageTextDataset _dataset;

    public ImageTextBatchesTests()
    {
        using var writer = new ArtifactWriter(Path.Combine(_root, "set"));
        using var bitmap = new SKBitmap(4, 4);
        using (var stream = File.Create(writer.PathOf("images/0.png")))
        {
            bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
        }

        File.WriteAllLines(writer.PathOf("data.jsonl"), Enumerable.Range(0, Samples).Select(i =>
            $$"""{"id":"{{i}}","image":"images/0.png","conversations":[{"from":"human","value":"<image>"},{"from":"gpt","value":"{{i}}"}]}"""));
        writer.Commit("image-text");
        _dataset = ImageTextDataset.Open(Path.Combine(_root, "set"));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void An_epoch_takes_every_sample_once_in_an_order_of_its_own()
    {
        var batches = Create(globalBatchSize: 7, microBatchSize: 7, epochs: 2, seed: 42);

        var epochs = Enumerable.Range(0, 2).Select(step => batches.Load(step)[0].Sources).ToList();

        Assert.Equal(2, batches.TotalSteps);
        Assert.All(epochs, epoch => Assert.Equal(Enumerable.Range(0, Samples).Select(i => $"sample {i}"), epoch.Order(StringComparer.Ordinal)));
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.NotEqual(epochs[0], Create(7, 7, 2, seed: 43).Load(0)[0].Sources);
    }

    [Fact]
    public void Which_samples_a_step_takes_does_not_depend_on_micro_batches_or_on_earlier_steps()
    {
        var whole = Create(globalBatchSize: 6, microBatchSize: 6, epochs: 3, seed: 42);
        var cut = Create(globalBatchSize: 6, microBatchSize: 2, epochs: 3, seed: 42);

        Assert.Equal(whole.Load(2)[0].Sources, cut.Load(2).SelectMany(batch => batch.Sources));
        Assert.Equal(3, cut.Load(2).Length);
    }

    [Fact]
    public void Targets_are_the_labels_of_the_next_token_and_padding_is_ignored()
    {
        var batch = Create(globalBatchSize: 7, microBatchSize: 7, epochs: 1, seed: 1).Load(0)[0];
        var row = Array.IndexOf(batch.Sources, "sample 3");
        var (from, to) = (row * batch.Length, (row + 1) * batch.Length);

        // Sample i is i + 3 tokens long, the last two of them supervised.
        Assert.Equal(Samples + 1, batch.Length);
        Assert.Equal([10, 11, 12, 13, 14, 0, 0, 0], batch.Inputs[from..to]);
        Assert.Equal([-100, -100, -100, 14, 15, -100, -100, -100], batch.Targets[from..to]);
        Assert.Equal(2 * Samples, batch.SupervisedTokens);
        Assert.Equal(Enumerable.Range(0, Samples).Sum(i => i + 2), batch.Tokens);
        Assert.Equal(Samples, batch.Images!.Length);
    }

    private ImageTextBatches Create(int globalBatchSize, int microBatchSize, double epochs, long seed) => new(
        _dataset,
        sample => Sequence(int.Parse(sample.Id, System.Globalization.CultureInfo.InvariantCulture)),
        withImages: true,
        imageSize: 4,
        new AdaptationTrainingSpec
        {
            Epochs = epochs,
            GlobalBatchSize = globalBatchSize,
            MicroBatchSize = microBatchSize,
            Optimizer = TinyModel.Optimizer,
        },
        RankShare.Whole,
        seed);

    private static LabelledSequence Sequence(int i)
    {
        var tokens = Enumerable.Range(10, i + 3).ToArray();
        return new LabelledSequence(tokens, [.. tokens.Select((token, t) => t < tokens.Length - 2 ? -100 : token)]);
    }
}
