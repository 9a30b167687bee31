using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;

namespace VisualPriors.Api.Tests.Planning;

public sealed class DecoderSizeTests
{
    /// <summary>paper.md 1.2's totals, here to the last parameter.</summary>
    [Theory]
    [InlineData("340M", 373_867_520)]
    [InlineData("1B", 1_364_297_728)]
    [InlineData("3B", 3_015_355_392)]
    [InlineData("7B", 7_241_732_096)]
    [InlineData("13B", 13_015_864_320)]
    public void The_papers_scales_have_their_parameters(string preset, long parameters) =>
        Assert.Equal(parameters, DecoderSize.Of(DecoderPresets.All[preset], DecoderPresets.PaperVocabularySize).Total);

    [Fact]
    public void Grouped_keys_and_values_are_counted_once_a_group()
    {
        var size = DecoderSize.Of(new() { Layers = 3, HiddenSize = 8, Heads = 4, KeyValueHeads = 2, FeedForwardSize = 10 }, 100);

        // Query, key and value: (8 + 2 x 4) x 8; output; gate and up; down; two norms.
        Assert.Equal([128, 64, 160, 80, 8, 8], size.Block);
        Assert.Equal(800 + (3 * 448) + 808, size.Total);
        Assert.Equal((3 * 448) + 808, size.WithoutEmbedding);
    }

    [Fact]
    public void What_no_machine_has_is_an_overflow_and_not_a_small_number() => Assert.Throws<OverflowException>(() => DecoderSize.Of(
        new() { Layers = int.MaxValue, HiddenSize = 1 << 30, Heads = 1, KeyValueHeads = 1, FeedForwardSize = int.MaxValue }, 32_000).Total);
}
