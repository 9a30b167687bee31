using VisualPriors.Api.Models;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests;

public sealed class DecoderTests
{
    /// <summary>Counts at 32,000 tokens from paper.md 1.2 (rounded as there); nano's at the quickstart's 4,096.</summary>
    [Theory]
    [InlineData("nano", 4_096, 5.05e6, 0.005e6)]
    [InlineData("340M", 32_000, 374e6, 0.5e6)]
    [InlineData("1B", 32_000, 1.36e9, 0.005e9)]
    [InlineData("3B", 32_000, 3.02e9, 0.005e9)]
    [InlineData("7B", 32_000, 7.24e9, 0.005e9)]
    [InlineData("13B", 32_000, 13.02e9, 0.005e9)]
    public void Presets_have_the_published_parameter_counts(string preset, int vocabularySize, double count, double rounding)
    {
        using var decoder = new Decoder(
            new DecoderConfiguration { Dimensions = DecoderPresets.All[preset], VocabularySize = vocabularySize }, META, ScalarType.BFloat16);
        Assert.InRange(decoder.parameters().Sum(p => p.numel()), count - rounding, count + rounding);
    }
}
