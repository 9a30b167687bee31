using VisualPriors.Data.Drawings;

namespace VisualPriors.Data.Scenes;

/// <summary>What a scene is to show.</summary>
/// <param name="Thing">Index of the thing in the catalogue.</param>
/// <param name="House">Who drew it.</param>
/// <param name="Bucket">How much of the scene it covers.</param>
/// <param name="Seed">Decides background, place and colours.</param>
public sealed record ScenePlan(int Thing, House House, SizeBucket Bucket, ulong Seed);

/// <summary>Endless scenes for training: scene <c>index</c> is a pure function of (seed, index).</summary>
public sealed class SceneSampler(ScenePools pools, long seed)
{
    /// <summary>Tells this use of a seed from others (<see cref="SeededRandom.Derive"/>).</summary>
    private const ulong Stream = 1;

    /// <summary>Of 1,861 scenes so many are small, medium, large: MLE-Bench's shares (paper.md 4.3).</summary>
    private static readonly int[] BucketWeights = [732, 698, 431];

    /// <summary>What the scene at an index shows: houses alike often, buckets as in MLE-Bench, things of a bucket alike often.</summary>
    public ScenePlan PlanAt(long index)
    {
        var random = new SeededRandom(SeededRandom.Derive(seed, Stream, index));
        var house = pools.Houses[random.Below(pools.Houses.Count)];
        var bucket = RandomBucket(ref random);
        var pool = pools[house, bucket];
        return new ScenePlan(pool[random.Below(pool.Count)], house, bucket, random.NextBits());
    }

    /// <summary>Composes a plan's scene.</summary>
    /// <param name="plan">What it shows.</param>
    /// <param name="jitter">Whether colours vary, as they should in training.</param>
    public Scene Compose(ScenePlan plan, bool jitter) => Compose(pools.Catalogue, plan, jitter);

    internal static Scene Compose(DrawingCatalogue catalogue, ScenePlan plan, bool jitter) =>
        SceneComposer.Compose(catalogue[plan.House, plan.Thing], plan.Bucket, plan.Seed, jitter);

    internal static SizeBucket RandomBucket(ref SeededRandom random)
    {
        var at = random.Below(BucketWeights.Sum());
        return at < BucketWeights[0] ? SizeBucket.Small : at < BucketWeights[0] + BucketWeights[1] ? SizeBucket.Medium : SizeBucket.Large;
    }
}
