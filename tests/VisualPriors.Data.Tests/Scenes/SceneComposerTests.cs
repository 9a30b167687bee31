using SkiaSharp;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Data.Tests.Drawings;

namespace VisualPriors.Data.Tests.Scenes;

public sealed class SceneComposerTests
{
    public static TheoryData<SizeBucket> Buckets => [.. SizeBuckets.All];

    [Theory]
    [MemberData(nameof(Buckets))]
    public void Coverage_lies_in_the_bucket_and_varies(SizeBucket bucket)
    {
        using var drawing = TestCatalogue.Shape(House.Google, 2);
        var (low, high) = SizeBuckets.Range(bucket);

        var coverages = Enumerable.Range(0, 300).Select(i => SceneComposer.Compose(drawing, bucket, (ulong)i, jitter: true).Coverage).ToArray();

        Assert.All(coverages, c => Assert.True(c >= low && c < high, $"{c}"));
        Assert.True(coverages.Max() - coverages.Min() > 0.15, $"{coverages.Min()} to {coverages.Max()}");
    }

    [Theory]
    [MemberData(nameof(Buckets))]
    public void Coverage_is_the_share_of_pixels_that_show_the_thing(SizeBucket bucket)
    {
        // No background is pure red.
        using var drawing = TestCatalogue.Rectangle(new SKColor(255, 0, 0), SKRectI.Create(5, 5, 50, 55));
        for (var seed = 0UL; seed < 50; seed++)
        {
            var scene = SceneComposer.Compose(drawing, BackgroundKind.Noise, bucket, seed, jitter: false);
            var red = scene.Rgb.Chunk(3).Count(p => p[0] > 190 && p[1] < 60 && p[2] < 60);

            // Pixels on the thing's rim are mixtures: some count for the one and not for the other.
            Assert.InRange(red / 4096.0, scene.Coverage - 0.05, scene.Coverage + 0.02);
        }
    }

    [Fact]
    public void A_scene_is_a_pure_function_of_its_arguments()
    {
        using var catalogue = TestCatalogue.Create([.. Houses.All]);
        Scene Make(int i) => SceneComposer.Compose(
            catalogue[Houses.All[i % 3], i % catalogue.Things.Count], SizeBuckets.All[i % 2], (ulong)(i / 4), jitter: i % 5 > 0);

        var alone = Enumerable.Range(0, 200).Select(Make).ToArray();
        var together = new Scene[200];
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => together[i] = Make(i));

        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(alone[i].Coverage, together[i].Coverage);
            Assert.Equal(alone[i].Rgb, together[i].Rgb);
        }
    }

    [Fact]
    public void Other_seeds_give_other_scenes()
    {
        using var drawing = TestCatalogue.Shape(House.Google, 4);

        var scenes = Enumerable.Range(0, 100)
            .Select(i => Convert.ToHexString(SceneComposer.Compose(drawing, SizeBucket.Medium, (ulong)i, jitter: false).Rgb));

        Assert.Equal(100, scenes.Distinct().Count());
    }

    [Fact]
    public void A_thing_that_is_too_thin_cannot_fill_a_large_bucket()
    {
        using var line = TestCatalogue.Rectangle(SKColors.Black, SKRectI.Create(24, 0, 14, 64));

        Assert.True(SceneComposer.CanFill(line, SizeBucket.Small));
        Assert.False(SceneComposer.CanFill(line, SizeBucket.Medium));
        Assert.False(SceneComposer.CanFill(line, SizeBucket.Large));
        Assert.Throws<ArgumentException>(() => SceneComposer.Compose(line, SizeBucket.Large, 1, jitter: false));
    }

    [Fact]
    public void Jitter_changes_the_colours_but_keeps_the_hue()
    {
        using var drawing = TestCatalogue.Rectangle(new SKColor(200, 60, 60), SKRectI.Create(0, 0, 64, 64));
        var plain = Enumerable.Range(0, 20).Select(i => Middle(SceneComposer.Compose(drawing, BackgroundKind.Solid, SizeBucket.Large, (ulong)i, jitter: false)));
        var jittered = Enumerable.Range(0, 20).Select(i => Middle(SceneComposer.Compose(drawing, BackgroundKind.Solid, SizeBucket.Large, (ulong)i, jitter: true))).ToArray();

        Assert.All(plain, p => Assert.Equal(new SKColor(200, 60, 60), p));
        Assert.Equal(20, jittered.Distinct().Count());
        Assert.All(jittered, p => Assert.True(p.Red > p.Green + 60 && p.Red > p.Blue + 60, $"{p}"));

        static SKColor Middle(Scene scene)
        {
            var at = ((32 * SceneComposer.Size) + 32) * 3;
            return new SKColor(scene.Rgb[at], scene.Rgb[at + 1], scene.Rgb[at + 2]);
        }
    }

    [Theory]
    [InlineData(20)]
    [InlineData(130)]
    [InlineData(250)]
    public void A_thing_stands_out_from_what_is_behind_it(byte grey)
    {
        using var drawing = TestCatalogue.Rectangle(new SKColor(grey, grey, grey), SKRectI.Create(0, 0, 64, 64));
        for (var seed = 0UL; seed < 200; seed++)
        {
            var scene = SceneComposer.Compose(drawing, BackgroundKind.Solid, SizeBucket.Medium, seed, jitter: false);

            // The ground is what differs from the thing, if anything does.
            Assert.True(scene.Rgb.Max(value => Math.Abs(value - grey)) >= 44, $"seed {seed}");
        }
    }
}
