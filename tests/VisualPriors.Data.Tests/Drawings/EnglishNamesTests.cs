using VisualPriors.Data.Drawings;

namespace VisualPriors.Data.Tests.Drawings;

public sealed class EnglishNamesTests
{
    [Theory]
    [InlineData("red apple", "a red apple")]
    [InlineData("owl", "an owl")]
    [InlineData("grapes", "grapes")]
    [InlineData("unicorn", "a unicorn")]
    [InlineData("umbrella", "an umbrella")]
    [InlineData("hourglass", "an hourglass")]
    [InlineData("one-piece swimsuit", "a one-piece swimsuit")]
    [InlineData("x-ray", "an x-ray")]
    [InlineData("bus", "a bus")]
    [InlineData("compass", "a compass")]
    [InlineData("nest with eggs", "a nest with eggs")]
    [InlineData("cooked rice", "cooked rice")]
    [InlineData("pot of food", "a pot of food")]
    public void Names_take_their_article(string name, string expected) => Assert.Equal(expected, EnglishNames.WithArticle(name));

    [Theory]
    [InlineData("ear of corn", "corn ear")]
    [InlineData("man's shoe", "man shoe")]
    [InlineData("snow-capped mountain", "capped mountain snow")]
    [InlineData("ballet shoes", "ballet shoe")]
    [InlineData("wine glass", "glass wine")]
    [InlineData("fork and knife with plate", "fork knife plate")]
    public void Significant_words_are_singular_and_leave_out_the_empty_ones(string name, string expected) =>
        Assert.Equal(expected, string.Join(' ', EnglishNames.SignificantWords(name).Order(StringComparer.Ordinal)));

    [Theory]
    [InlineData("food-fruit", "fruit", "food")]
    [InlineData("animal-bug", "bug", "an animal")]
    [InlineData("mail", "mail", null)]
    [InlineData("made-up", "made up", null)]
    public void Kinds_and_groups_follow_the_subcategory(string subcategory, string kind, string? group)
    {
        var thing = new Thing("1", "x", "y", subcategory);
        Assert.Equal(kind, EnglishNames.KindOf(thing));
        Assert.Equal(group, EnglishNames.GroupOf(thing));
    }
}
