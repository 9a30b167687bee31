using System.Text.Json;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Images;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Scenes;
using VisualPriors.Storage;

namespace VisualPriors.Data.Benchmarks;

/// <summary>
/// Writes a benchmark of MLE-Bench's form from scenes of drawings that are never trained on (<see cref="Houses.Test"/>).
/// </summary>
public static class ExistenceBenchmarkWriter
{
    /// <summary>MLE-Bench's number of questions by bucket (paper.md 4.3): small, medium, large.</summary>
    public static IReadOnlyList<int> PaperCounts { get; } = [732, 698, 431];

    /// <summary>Tells this use of a seed from others.</summary>
    private const ulong OrderStream = 4;

    /// <summary>Composes scenes and publishes the artifact; the same arguments give the same bytes.</summary>
    /// <param name="catalogue">The drawings.</param>
    /// <param name="counts">Questions by bucket: small, medium, large.</param>
    /// <param name="seed">Decides everything.</param>
    /// <param name="outputDirectory">Where the artifact is to appear.</param>
    /// <param name="cancellationToken">Stops and leaves nothing behind.</param>
    public static Artifact Write(
        DrawingCatalogue catalogue, IReadOnlyList<int> counts, long seed, string outputDirectory, CancellationToken cancellationToken)
    {
        var generator = new ExistenceQuestionGenerator(new ScenePools(catalogue, [Houses.Test]), seed);

        // Buckets are mixed, so that the first n questions are a fair sample of all.
        var buckets = SizeBuckets.All.SelectMany(b => Enumerable.Repeat(b, counts[(int)b])).ToArray();
        var random = new SeededRandom(SeededRandom.Derive(seed, OrderStream, 0));
        random.Shuffle(buckets.AsSpan());

        using var writer = new ArtifactWriter(outputDirectory);
        var lines = new byte[buckets.Length][];
        Directory.CreateDirectory(Path.Combine(writer.Directory, DataFolder.Images));
        void WriteOne(int i)
        {
            var question = generator.At(i, buckets[i]);
            var scene = SceneSampler.Compose(catalogue, question.Scene, jitter: false);
            var image = DataFolder.ImageName(i);
            ImageEncoder.WritePng(Path.Combine(writer.Directory, image), scene.Rgb, SceneComposer.Size);
            var answer = catalogue.Things[question.Scene.Thing].Name;
            lines[i] = JsonSerializer.SerializeToUtf8Bytes(
                new ExistenceLine
                {
                    Image = image,
                    Question = question.Question,
                    Choices = [.. question.Options.Select(o => catalogue.Things[o].Name)],
                    Answer = answer,
                    AnswerText = answer,
                    SubTask = SizeBuckets.SubTaskOf(question.Scene.Bucket),
                    Coverage = Math.Round(scene.Coverage, 4),
                },
                BenchmarkJson.Readable.ExistenceLine);
        }

        Parallelism.For(buckets.Length, WriteOne, cancellationToken);
        DataFolder.WriteLines(writer.PathOf(DataFolder.Lines), lines);
        return writer.Commit(MultipleChoiceDataset.Kind);
    }
}
