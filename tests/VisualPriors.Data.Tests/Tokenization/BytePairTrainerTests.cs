using VisualPriors.Api.Errors;
using VisualPriors.Data.Tests.Text;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.Tests.Tokenization;

public sealed class BytePairTrainerTests
{
    [Theory]
    [InlineData(1, 6, 120)]
    [InlineData(2, 1, 900)]
    [InlineData(3, 20, 40)]
    public void Learns_the_merges_that_counting_anew_each_time_finds(int seed, int documents, int words)
    {
        var texts = SampleText.Documents(seed, documents, words);

        var trained = BytePairTrainer.Train(texts, 420, CancellationToken.None);

        Assert.Equal(ReferenceTrainer.Merges(texts, 420), trained.Merges);
        Assert.Equal(420, trained.VocabularySize);
    }

    [Theory]
    [InlineData("aaaaaaa aaaa aaaaaaaaaaa aa aaa")]
    [InlineData("abababab bababa ababa abab ba aabb")]
    [InlineData("abc abc abc bc bc ab ab abc bcab abcabc abcabc")]
    public void Overlapping_pairs_and_tokens_spelled_two_ways_are_counted_right(string text)
    {
        var trained = BytePairTrainer.Train([text], 262, CancellationToken.None);

        Assert.Equal(ReferenceTrainer.Merges([text], 262), trained.Merges);
    }

    [Fact]
    public void The_order_of_the_texts_does_not_matter()
    {
        var texts = SampleText.Documents(4, 200, 50);

        var forward = BytePairTrainer.Train(texts, 500, CancellationToken.None);
        var backward = BytePairTrainer.Train(texts.Reverse(), 500, CancellationToken.None);

        Assert.Equal(forward.Merges, backward.Merges);
    }

    [Fact]
    public void Text_without_enough_patterns_is_an_error()
    {
        var error = Assert.Throws<InvalidInputException>(() => BytePairTrainer.Train(["ab ab cd"], 300, CancellationToken.None));

        Assert.Contains("only 259 tokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ends_when_cancelled()
    {
        Assert.ThrowsAny<OperationCanceledException>(() => BytePairTrainer.Train(["abab"], 259, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void The_written_file_begins_with_the_special_tokens_and_the_bytes()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Path("tokenizer.json");

        BytePairTrainer.Train(SampleText.Documents(5, 10, 100), 300, CancellationToken.None).Save(path);

        var tokenizer = TextTokenizer.Load(path);
        Assert.Equal((300, 0, 1), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
        Assert.Equal([2 + 'z', 2 + '%'], tokenizer.Encode("z%"));
        Assert.Equal("é", tokenizer.Decode([2 + 0xC3, 2 + 0xA9]));
    }
}
