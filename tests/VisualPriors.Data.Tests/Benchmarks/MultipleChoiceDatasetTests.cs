using VisualPriors.Api.Errors;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Images;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.Benchmarks;

public sealed class MultipleChoiceDatasetTests : IDisposable
{
    private const string Good =
        """{"image":"images/0.png","question":"Which?","choices":["a","b","c","d"],"answer":"c","answer_text":"c","sub_task":"existence_30-60","more":1}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_public_form_is_read_and_further_fields_let_be()
    {
        var question = Assert.Single(Read(Good).Questions);

        Assert.Equal((0, "Which?", 2, "existence_30-60"), (question.Index, question.Question, question.Answer, question.SubTask));
        Assert.Equal(["a", "b", "c", "d"], question.Choices);
        Assert.Equal(_folder.Path("images/0.png"), question.ImagePath);
    }

    [Theory]
    [InlineData("\"image\":\"images/0.png\",", "", "image")]
    [InlineData("images/0.png", "../0.png", "image")]
    [InlineData("images/0.png", "/etc/passwd", "image")]
    [InlineData("images/0.png", "images/../../x/0.png", "image")]
    [InlineData("images/0.png", "", "image")]
    [InlineData("images/0.png", "a\\u0000b", "image")]
    [InlineData("\"question\":\"Which?\"", "\"question\":null", "question")]
    [InlineData("\"d\"]", "7]", "choices[3]")]
    [InlineData(",\"d\"]", "]", "choices")]
    [InlineData("[\"a\",\"b\",\"c\",\"d\"]", "\"abcd\"", "choices")]
    [InlineData("\"answer\":\"c\"", "\"answer\":\"x\"", "answer")]
    [InlineData("\"a\",\"b\"", "\"c\",\"b\"", "answer")]
    [InlineData("\"answer\":\"c\"", "\"answer\":\"\\ud800\"", "answer")]
    [InlineData("existence_30-60", "existence", "sub_task")]
    [InlineData("{\"image\"", "[\"image\"", null)]
    [InlineData("\"more\":1}", "\"more\":1", null)]
    public void A_malformed_line_is_refused_with_file_line_and_field(string original, string replacement, string? field)
    {
        var bad = Good.Replace(original, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Good, bad);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Read($"{Good}\n\n{bad}\n")).Errors);

        Assert.Equal(_folder.Path("data.jsonl"), error.File);
        Assert.Equal(3, error.Line);
        Assert.Equal(field, error.Field);
    }

    [Fact]
    public void Validation_names_the_first_images_that_do_not_decode()
    {
        Directory.CreateDirectory(_folder.Path("images"));
        ImageEncoder.WritePng(_folder.Path("images/0.png"), new byte[12], 2);
        Read(Good).Validate(CancellationToken.None);

        var lines = Enumerable.Range(0, 40).Select(i => Good.Replace("images/0.png", i % 2 == 0 ? "images/0.png" : $"images/{i}.png", StringComparison.Ordinal));
        var errors = Assert.Throws<InvalidInputException>(() => Read(string.Join('\n', lines)).Validate(CancellationToken.None)).Errors;

        Assert.InRange(errors.Count, 1, 10);
        Assert.All(errors, e => Assert.Contains("images/", e.File, StringComparison.Ordinal));
        Assert.DoesNotContain(errors, e => e.File.EndsWith("images/0.png", StringComparison.Ordinal));
    }

    private MultipleChoiceDataset Read(string text)
    {
        File.WriteAllText(_folder.Path("data.jsonl"), text);
        return MultipleChoiceDataset.Open(_folder.Root);
    }
}
