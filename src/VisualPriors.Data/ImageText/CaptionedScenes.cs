using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;

namespace VisualPriors.Data.ImageText;

/// <summary>
/// Endless pairs of a scene and a caption from the training houses' drawings, for contrastive training: unlike a set on disk, no scene
/// comes twice. Everything is a pure function of (seed, index).
/// </summary>
public sealed class CaptionedScenes(DrawingCatalogue catalogue, long seed)
{
    private const ulong CaptionStream = 7;
    private readonly SceneSampler _scenes = new(new ScenePools(catalogue, Houses.Training), seed);

    /// <summary>The scene at an index and the thing (an index into the catalogue) that it shows.</summary>
    public (byte[] Rgb, int Thing) SceneAt(long index)
    {
        var plan = _scenes.PlanAt(index);
        return (_scenes.Compose(plan, jitter: true).Rgb, plan.Thing);
    }

    /// <summary>One caption for every thing of the catalogue, in its order; other wordings at every index.</summary>
    public IReadOnlyList<string> CaptionsAt(long index)
    {
        var captions = new string[catalogue.Things.Count];
        for (var thing = 0; thing < captions.Length; thing++)
        {
            var random = new SeededRandom(SeededRandom.Derive(seed, CaptionStream, (index * captions.Length) + thing));
            captions[thing] = CaptionSetWriter.Caption(catalogue.Things[thing], SizeBucket.Medium, ref random);
        }

        return captions;
    }
}
