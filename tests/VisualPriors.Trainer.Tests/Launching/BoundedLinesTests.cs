using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Tests.Launching;

public sealed class BoundedLinesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a\nbb\n", "a|bb")]
    [InlineData("a\n\nb", "a||b")]
    [InlineData("a\r\nb\r\n", "a|b")]
    [InlineData("12345678\n123456789\nz", "12345678|12345678 [1 more characters]|z")]
    public async Task Lines_are_whole_up_to_their_bound(string text, string expected)
    {
        Assert.Equal(expected, string.Join('|', await Read(text, 8)));
    }

    [Fact]
    public async Task A_line_of_megabytes_costs_its_bound()
    {
        var lines = await Read($"a\n{new string('x', 3_000_000)}\nb\n{new string('y', 5000)}", 100);

        Assert.Equal(["a", $"{new string('x', 100)} [2,999,900 more characters]", "b", $"{new string('y', 100)} [4,900 more characters]"], lines);
    }

    private static async Task<List<string>> Read(string text, int maximumLength)
    {
        var lines = new List<string>();
        await BoundedLines.ReadAsync(new StringReader(text), maximumLength, lines.Add);
        return lines;
    }
}
