using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Text;

namespace VisualPriors.Data.Tests.Text;

public sealed class TextCorpusTests
{
    private static readonly Dictionary<string, (int Train, int Validation)> Sources = new() { ["code"] = (100, 20), ["math"] = (50, 10) };

    [Fact]
    public void Says_what_it_holds()
    {
        using var folder = new TemporaryFolder();
        using var corpus = TextCorpus.Open(HandMadeCorpus.Write(folder, Sources));
        corpus.Validate(CancellationToken.None);

        Assert.Equal(65_536, corpus.VocabularySize);
        Assert.Equal([("code", 100L, 20L), ("math", 50L, 10L)], corpus.Sources.Select(source => (source.Name, source.TrainTokens, source.ValidationTokens)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void A_token_outside_the_vocabulary_is_found(int tokenBytes)
    {
        using var folder = new TemporaryFolder();
        using var corpus = TextCorpus.Open(HandMadeCorpus.Write(folder, Sources, tokenBytes == 2 ? 65_536 : 70_000, root => root["vocabularySize"] = tokenBytes == 2 ? 90 : 69_990));

        var error = Assert.Throws<InvalidInputException>(() => corpus.Validate(CancellationToken.None)).Errors.Single();

        Assert.EndsWith(tokenBytes == 2 ? "code/train.bin" : "code/validation.bin", error.File, StringComparison.Ordinal);
        Assert.Equal(tokenBytes == 2 ? ("token 90", "id 90") : ("token 0", "id 69999"), (error.Field, error.Found));
    }

    [Fact]
    public void Every_flaw_of_its_description_is_named()
    {
        Flaw(root => root["version"] = 2, "version", "2");
        Flaw(root => root["vocabularySize"] = 0, "vocabularySize", "0");
        Flaw(root => root["tokenBytes"] = 4, "tokenBytes", "4");
        Flaw(root => root["sources"] = new JsonArray(), "sources", "no source");
        Flaw(root => root["sources"]![0]!["name"] = "../code", "sources[0].name", "../code");
        Flaw(root => root["sources"]![1]!["name"] = "code", "sources[1].name", "code");
        Flaw(root => root["sources"]![1] = null, "sources[1].name", "null");
        Flaw(root => root["sources"]![1]!["trainTokens"] = 51, null, "100 bytes");
        Flaw(root => root["sources"]![1]!["trainTokens"] = long.MaxValue, null, "100 bytes");
        Flaw(root => root["sources"]![1]!["trainTokens"] = -1, null, "100 bytes");
        Flaw(root => root["sources"]![1]!["name"] = "law", null, "no such file");
        Flaw(root => root["sources"]![1]!.AsObject().Remove("licence"), "$.sources[1]", "licence");
        Flaw(root => root["unknown"] = 1, "$.unknown", "unknown");
        Flaw(root => root["sources"] = null, "$.sources", "sources");

        static void Flaw(Action<JsonObject> change, string? field, string found)
        {
            using var folder = new TemporaryFolder();
            var directory = HandMadeCorpus.Write(folder, Sources, change: change);
            var error = Assert.Throws<InvalidInputException>(() => TextCorpus.Open(directory)).Errors.Single();
            Assert.StartsWith(directory, error.File, StringComparison.Ordinal);
            Assert.Equal(field, error.Field);
            Assert.Contains(found, error.Found, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_folder_that_is_no_finished_corpus_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidInputException>(() => TextCorpus.Open(folder.Root));
        var directory = HandMadeCorpus.Write(folder, Sources);
        File.WriteAllBytes(Path.Combine(directory, "code", "train.bin"), new byte[198]);
        Assert.Throws<InvalidInputException>(() => TextCorpus.Open(directory));
    }
}
