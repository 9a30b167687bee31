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

    /// <summary>Enough that every thing meets each of the caption writer's wordings.</summary>
    private const int WordingCount = 32;

    private readonly SceneSampler _scenes = new(new ScenePools(catalogue, Houses.Training), seed);

    /// <summary>The scene at an index and the thing (an index into the catalogue) that it shows.</summary>
    public (byte[] Rgb, int Thing) SceneAt(long index)
    {
        var plan = _scenes.PlanAt(index);
        return (_scenes.Compose(plan, jitter: true).Rgb, plan.Thing);
    }

    /// <summary>
    /// Captions of every thing, in the catalogue's order, in a number of wordings: a mixed bank each, so that telling captions apart means
    /// telling things apart and not wordings.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> Wordings => [.. Enumerable.Range(0, WordingCount).Select(Wording)];

    private string[] Wording(int index)
    {
        var captions = new string[catalogue.Things.Count];
        for (var thing = 0; thing < captions.Length; thing++)
        {
            var random = new SeededRandom(SeededRandom.Derive(seed, CaptionStream, ((long)index * captions.Length) + thing));
            captions[thing] = CaptionSetWriter.Caption(catalogue.Things[thing], SizeBucket.Medium, ref random);
        }

        return captions;
    }
}
