using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Data.Tests.Drawings;

namespace VisualPriors.Data.Tests.Scenes;

public sealed class SceneSamplerTests
{
    [Fact]
    public void Buckets_have_the_benchmarks_shares_and_houses_and_things_are_alike_often()
    {
        using var catalogue = TestCatalogue.Create([.. Houses.Training]);
        var pools = new ScenePools(catalogue, Houses.Training);
        var sampler = new SceneSampler(pools, 7);
        const int Draws = 30_000;

        var plans = Enumerable.Range(0, Draws).Select(i => sampler.PlanAt(i)).ToArray();

        // Six standard deviations of a share of 30,000.
        const double Six = 0.017;
        Assert.InRange(Share(p => p.Bucket == SizeBucket.Small), (732 / 1861.0) - Six, (732 / 1861.0) + Six);
        Assert.InRange(Share(p => p.Bucket == SizeBucket.Medium), (698 / 1861.0) - Six, (698 / 1861.0) + Six);
        Assert.InRange(Share(p => p.House == House.Google), 0.5 - Six, 0.5 + Six);
        Assert.All(plans, p => Assert.Contains(p.Thing, pools[p.House, p.Bucket]));
        var small = plans.Where(p => p.Bucket == SizeBucket.Small).ToArray();
        Assert.All(
            small.GroupBy(p => p.Thing),
            g => Assert.InRange(g.Count() / (double)small.Length, 0.8 / catalogue.Things.Count, 1.2 / catalogue.Things.Count));

        double Share(Func<ScenePlan, bool> which) => plans.Count(which) / (double)Draws;
    }

    [Fact]
    public void Pools_hold_what_can_fill_a_bucket()
    {
        using var catalogue = TestCatalogue.Create(House.Twitter);
        var pools = new ScenePools(catalogue, [House.Twitter]);

        foreach (var bucket in SizeBuckets.All)
        {
            Assert.Equal(
                Enumerable.Range(0, catalogue.Things.Count).Where(t => SceneComposer.CanFill(catalogue[House.Twitter, t], bucket)),
                pools[House.Twitter, bucket]);
        }

        Assert.True(pools[House.Twitter, SizeBucket.Large].Count < pools[House.Twitter, SizeBucket.Small].Count);
        Assert.Throws<ArgumentException>(() => pools[House.Google, SizeBucket.Small]);
    }
}
