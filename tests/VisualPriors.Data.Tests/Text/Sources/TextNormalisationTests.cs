using System.Text;
using VisualPriors.Data.Text.Sources;

namespace VisualPriors.Data.Tests.Text.Sources;

public sealed class TextNormalisationTests
{
    [Theory]
    [InlineData("a\r\nb\rc\nd", "a\nb\nc\nd")]
    [InlineData("\n\n  a  \n\n\n\nb\t\n\n", "  a\n\nb")]
    [InlineData("\uFEFFa\0b\u0007c\td\u0085e", "abc\td\ne")]
    [InlineData("x 🦊 é", "x 🦊 é")]
    [InlineData(" \n\t", "")]
    public void Gives_text_its_one_form(string text, string normalised)
    {
        Assert.Equal(normalised, TextNormalisation.Normalise(text));
        Assert.Equal(normalised, TextNormalisation.Normalise(normalised));
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        Assert.Equal("x\uFFFDy", TextNormalisation.Normalise("x\uD83Ey"));
    }

    [Fact]
    public void Thinning_out_keeps_every_part_of_a_source_alike()
    {
        var random = new Random(42);
        var texts = Enumerable.Range(0, 1000).Select(i => new string((char)('a' + (i / 100)), random.Next(1, 200))).ToList();
        var total = texts.Sum(text => text.Length);

        var kept = EvenSelection.Take(texts, total / 4).ToList();

        Assert.InRange(kept.Sum(text => text.Length), (total / 4) - 200, total / 4);
        foreach (var part in texts.GroupBy(text => text[0]))
        {
            var share = (double)kept.Where(text => text[0] == part.Key).Sum(text => text.Length) / part.Sum(text => text.Length);
            Assert.InRange(share, 0.2, 0.3);
        }

        Assert.Equal(texts, EvenSelection.Take(texts, total));
        Assert.True(EvenSelection.Take([.. texts.Select(text => text + "é")], total).Sum(Encoding.UTF8.GetByteCount) <= total);
    }
}
