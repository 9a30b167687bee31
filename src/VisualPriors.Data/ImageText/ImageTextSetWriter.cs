using System.Globalization;
using System.Text.Json;
using VisualPriors.Data.Images;
using VisualPriors.Data.Scenes;
using VisualPriors.Storage;

namespace VisualPriors.Data.ImageText;

/// <summary>Writes samples of LLaVA's form, made in parallel, into an artifact.</summary>
internal static class ImageTextSetWriter
{
    /// <summary>What becomes a line and, with a scene, an image.</summary>
    internal sealed record Sample(Scene? Scene, IReadOnlyList<LlavaTurn> Turns);

    /// <summary>Makes samples 0 to count-1 and publishes them.</summary>
    /// <param name="name">Beginning of every sample's id.</param>
    /// <param name="count">Samples.</param>
    /// <param name="outputDirectory">Where the artifact is to appear.</param>
    /// <param name="make">Makes a sample; called by many threads at once.</param>
    /// <param name="cancellationToken">Stops and leaves nothing behind.</param>
    public static Artifact Write(
        string name, int count, string outputDirectory, Func<int, Sample> make, CancellationToken cancellationToken)
    {
        using var writer = new ArtifactWriter(outputDirectory);
        Directory.CreateDirectory(Path.Combine(writer.Directory, DataFolder.Images));
        var lines = new byte[count][];
        void WriteOne(int i)
        {
            var sample = make(i);
            string? image = null;
            if (sample.Scene is { } scene)
            {
                image = DataFolder.ImageName(i);
                ImageEncoder.WritePng(Path.Combine(writer.Directory, image), scene.Rgb, SceneComposer.Size);
            }

            var line = new LlavaLine
            {
                Id = $"{name}-{i.ToString("D6", CultureInfo.InvariantCulture)}",
                Image = image,
                Conversations = sample.Turns,
            };
            lines[i] = JsonSerializer.SerializeToUtf8Bytes(line, LlavaJson.Readable.LlavaLine);
        }

        Parallelism.For(count, WriteOne, cancellationToken);
        DataFolder.WriteLines(writer.PathOf(DataFolder.Lines), lines);
        return writer.Commit(ImageTextDataset.Kind);
    }
}
