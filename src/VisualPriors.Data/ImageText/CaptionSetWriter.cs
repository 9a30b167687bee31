using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Storage;

namespace VisualPriors.Data.ImageText;

/// <summary>Writes image-caption pairs for alignment from scenes of the training houses' drawings.</summary>
public static class CaptionSetWriter
{
    private const ulong CaptionStream = 5;

    /// <summary>Composes scenes and publishes the artifact; the same arguments give the same bytes.</summary>
    /// <param name="catalogue">The drawings.</param>
    /// <param name="count">Pairs.</param>
    /// <param name="seed">Decides everything.</param>
    /// <param name="outputDirectory">Where the artifact is to appear.</param>
    /// <param name="cancellationToken">Stops and leaves nothing behind.</param>
    public static Artifact Write(
        DrawingCatalogue catalogue, int count, long seed, string outputDirectory, CancellationToken cancellationToken)
    {
        var sampler = new SceneSampler(new ScenePools(catalogue, Houses.Training), seed);
        ImageTextSetWriter.Sample Make(int i)
        {
            var plan = sampler.PlanAt(i);
            var random = new SeededRandom(SeededRandom.Derive(seed, CaptionStream, i));
            var caption = Caption(catalogue.Things[plan.Thing], plan.Bucket, ref random);
            return new ImageTextSetWriter.Sample(
                sampler.Compose(plan, jitter: true),
                [new(LlavaTurn.Human, ImageTextSample.ImagePlaceholder), new(LlavaTurn.Model, caption)]);
        }

        return ImageTextSetWriter.Write("caption", count, outputDirectory, Make, cancellationToken);
    }

    /// <summary>A caption that holds the thing's name; some say what kind of thing it is, or how large it is drawn.</summary>
    internal static string Caption(Thing thing, SizeBucket bucket, ref SeededRandom random)
    {
        var name = thing.Name;
        var article = EnglishNames.WithArticle(name);
        var kind = EnglishNames.KindOf(thing);
        var view = bucket switch
        {
            SizeBucket.Small => "a small picture of",
            SizeBucket.Medium => "a picture of",
            _ => "a close view of",
        };
        return random.Below(8) switch
        {
            0 => name,
            1 => article,
            2 => $"a drawing of {article}",
            3 => $"{name}, {kind}",
            4 => $"{view} {article}",
            5 => $"{kind}: {name}",
            6 => $"this is {article}",
            _ => $"an image that shows {article}",
        };
    }
}
