using VisualPriors.Api.Errors;
using VisualPriors.Data.Images;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.ImageText;

public sealed class ImageTextDatasetTests : IDisposable
{
    private const string Good =
        """{"id":"a","image":"images/0.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt","value":"An owl."}],"model":"x"}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_public_form_is_read_and_further_fields_let_be()
    {
        using var dataset = Read(Good + "\r\n" + """{"id":7,"conversations":[{"from":"human","value":"1+1?"},{"from":"gpt","value":"2"}]}""");

        Assert.Equal(2, dataset.Count);
        Assert.Equal("a", dataset[0].Id);
        Assert.Equal(_folder.Path("images/0.png"), dataset[0].ImagePath);
        Assert.Equal([new(true, "<image>\nWhat?"), new(false, "An owl.")], dataset[0].Turns);
        Assert.Equal("7", dataset[1].Id);
        Assert.Null(dataset[1].ImagePath);
    }

    [Theory]
    [InlineData("\"id\":\"a\",", "", "id")]
    [InlineData("\"id\":\"a\"", "\"id\":[1]", "id")]
    [InlineData("\"images/0.png\"", "5", "image")]
    [InlineData("images/0.png", "../../etc/passwd", "image")]
    [InlineData("images/0.png", "/0.png", "image")]
    [InlineData("\"from\":\"gpt\"", "\"from\":\"bot\"", "conversations[1].from")]
    [InlineData("\"value\":\"An owl.\"", "\"value\":1", "conversations[1].value")]
    [InlineData(",\"value\":\"An owl.\"", "", "conversations[1].value")]
    [InlineData("{\"from\":\"gpt\",\"value\":\"An owl.\"}", "3", "conversations[1]")]
    [InlineData("\"conversations\"", "\"turns\"", "conversations")]
    [InlineData("{\"id\"", "{\"id", null)]
    public void A_malformed_line_is_refused_with_file_line_and_field(string original, string replacement, string? field)
    {
        var bad = Good.Replace(original, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Good, bad);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Read($"{Good}\n{bad}")).Errors);

        Assert.Equal((_folder.Path("data.jsonl"), 2, field), (error.File, error.Line, error.Field));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n \n")]
    public void An_empty_file_is_refused(string text) => Assert.Throws<InvalidInputException>(() => Read(text));

    [Fact]
    public void A_missing_file_is_refused_by_name() =>
        Assert.Equal(
            _folder.Path("data.jsonl"),
            Assert.Single(Assert.Throws<InvalidInputException>(() => ImageTextDataset.Open(_folder.Root)).Errors).File);

    [Fact]
    public void Lines_across_the_reading_buffer_are_whole()
    {
        // About 9 MB in lines of changing length: several buffers.
        var texts = Enumerable.Range(0, 90).Select(i => new string((char)('a' + (i % 26)), 100_000 + (i * 17))).ToArray();
        using var dataset = Read(string.Join(
            '\n', texts.Select((t, i) => $$"""{"id":"{{i}}","conversations":[{"from":"gpt","value":"{{t}}"}]}""")));

        Assert.Equal(texts.Length, dataset.Count);
        Assert.All(Enumerable.Range(0, texts.Length), i =>
        {
            Assert.Equal($"{i}", dataset[i].Id);
            Assert.Equal(texts[i], dataset[i].Turns[0].Text);
        });
    }

    [Fact]
    public void A_line_without_end_is_refused()
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Read(Good + "\n" + new string('x', 5_000_000))).Errors);

        Assert.Equal(2, error.Line);
        Assert.Contains("longer line", error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void Validation_decodes_every_image_and_names_those_that_do_not()
    {
        Directory.CreateDirectory(_folder.Path("images"));
        ImageEncoder.WritePng(_folder.Path("images/0.png"), new byte[12], 2);
        File.WriteAllText(_folder.Path("images/1.png"), "no image");
        using (var good = Read(Good))
        {
            good.Validate(CancellationToken.None);
        }

        using var bad = Read(Good + "\n" + Good.Replace("0.png", "1.png", StringComparison.Ordinal));
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => bad.Validate(CancellationToken.None)).Errors);

        Assert.Equal(_folder.Path("images/1.png"), error.File);
    }

    private ImageTextDataset Read(string text)
    {
        File.WriteAllText(_folder.Path("data.jsonl"), text);
        return ImageTextDataset.Open(_folder.Root);
    }
}
