using VisualPriors.Api.Errors;
using VisualPriors.Data.Text.Sources;

namespace VisualPriors.Data.Tests.Text.Sources;

public sealed class WordNetTests
{
    private const string Licence = "  1 This software and database is being provided to you  \n  2 more | of it\n";

    [Fact]
    public void An_entry_names_all_words_their_category_and_what_they_mean()
    {
        const string Dog = "02086723 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02085998 n 0000 | a member of the genus Canis; \"the dog barked | all night\"  \n";

        Assert.Equal(
            ["dog, domestic dog, Canis familiaris (animal): a member of the genus Canis; \"the dog barked | all night\""],
            WordNet.Pages("data.noun", Licence + Dog));
    }

    [Fact]
    public void The_number_of_words_is_hexadecimal()
    {
        var words = string.Concat(Enumerable.Range(0, 17).Select(i => $"w{i} 0 "));

        Assert.StartsWith("w0, w1,", WordNet.Pages("data.noun", $"1 13 n 11 {words}000 | food").Single(), StringComparison.Ordinal);
        Assert.EndsWith("w16 (food): food", WordNet.Pages("data.noun", $"1 13 n 11 {words}000 | food").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_holds_eight_entries_of_one_category()
    {
        var lines = Enumerable.Range(0, 12).Select(i => $"{i} {(i < 9 ? "05" : "20")} n 01 x{i} 0 000 | y\n");
        var pages = WordNet.Pages("data.noun", string.Concat(lines)).ToList();

        Assert.Equal([8, 1, 3], pages.Select(page => page.Split('\n').Length));
        Assert.Equal("x8 (animal): y", pages[1]);
        Assert.StartsWith("x9 (plant): y\n", pages[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1 05 n 01 dog 0 000 no gloss")]
    [InlineData("1 05 n 03 dog 0 | too few words")]
    [InlineData("1 29 v 01 breathe 0 000 | a verb")]
    [InlineData("1 05 n 7FFFFFFF dog 0 000 | very many words")]
    [InlineData("1 05 n zz dog 0 000 | no number")]
    [InlineData("rubbish")]
    public void A_line_of_another_form_is_refused_by_its_number(string line)
    {
        var error = Assert.Throws<InvalidInputException>(() => WordNet.Pages("data.noun", Licence + line).ToList()).Errors.Single();

        Assert.Equal(("data.noun", 3), (error.File, error.Line));
    }
}
