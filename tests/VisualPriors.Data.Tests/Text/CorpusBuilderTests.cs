using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Tests.Tokenization;
using VisualPriors.Data.Text;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Data.Tests.Text;

public sealed class CorpusBuilderTests : IDisposable
{
    private static readonly TextSource[] Described = [new("math", "Sums", "CC0"), new("code", "Programs", "MIT")];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_document_is_found_again_on_one_side_in_its_order()
    {
        var documents = Documents();
        using var corpus = Build("corpus", documents);
        var tokenizer = TextTokenizer.Load(corpus.TokenizerPath);
        corpus.Validate(CancellationToken.None);

        Assert.Equal(["code", "math"], corpus.Sources.Select(source => source.Name));
        Assert.Equal(("Programs", "MIT"), (corpus.Sources[0].Description, corpus.Sources[0].Licence));
        foreach (var source in corpus.Sources)
        {
            var train = Decode(tokenizer, corpus, source.Name, "train", source.TrainTokens);
            var validation = Decode(tokenizer, corpus, source.Name, "validation", source.ValidationTokens);
            var texts = documents.Where(document => document.Source == source.Name).Select(document => document.Text).ToList();

            Assert.Equal((36, 4), (train.Count, validation.Count));
            Assert.Equal((36, 4), (source.TrainDocuments, source.ValidationDocuments));
            Assert.Empty(train.Intersect(validation));
            Assert.Equal(texts.Except(validation), train);
            Assert.Equal(texts.Except(train), validation);
        }
    }

    [Fact]
    public void The_same_documents_give_the_same_bytes()
    {
        using var first = Build("first", Documents());
        using var second = Build("second", Documents());

        Assert.Equal(Artifact.Open(first.Directory).Digest, Artifact.Open(second.Directory).Digest);
    }

    [Fact]
    public void What_is_held_out_of_a_source_depends_neither_on_order_nor_on_other_sources()
    {
        using var both = Build("both", Documents());
        using var alone = Build("alone", [.. Documents().Where(document => document.Source == "math").Reverse()], Described[0]);
        var tokenizer = TextTokenizer.Load(both.TokenizerPath);

        Assert.Equal(
            Decode(tokenizer, both, "math", "validation", both.Sources[1].ValidationTokens).Order(StringComparer.Ordinal),
            Decode(tokenizer, alone, "math", "validation", alone.Sources[0].ValidationTokens).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Copies_of_a_document_fall_on_one_side_and_something_is_left_on_both()
    {
        using var corpus = Build("corpus", [.. Enumerable.Range(0, 20).Select(i => new TextDocument("math", i % 10 == 0 ? "one" : "two"))], Described[0]);
        var source = corpus.Sources[0];
        var tokenizer = TextTokenizer.Load(corpus.TokenizerPath);

        Assert.Equal(20, source.TrainDocuments + source.ValidationDocuments);
        Assert.Single(Decode(tokenizer, corpus, "math", "train", source.TrainTokens).Distinct());
        Assert.Single(Decode(tokenizer, corpus, "math", "validation", source.ValidationTokens).Distinct());
    }

    [Fact]
    public void Documents_that_leave_nothing_to_hold_out_are_refused()
    {
        Assert.Equal("math", Assert.Throws<InvalidInputException>(() => Build("a", [new("math", "one"), new("math", "one")], Described[0])).Errors[0].File);
        Assert.Equal("code", Assert.Throws<InvalidInputException>(() => Build("b", [new("math", "one"), new("math", "two")])).Errors[0].File);
        Assert.Equal("law", Assert.Throws<InvalidInputException>(() => Build("c", [.. Documents(), new("law", "one")])).Errors[0].File);
        Assert.Equal("../x", Assert.Throws<InvalidInputException>(() => Build("d", [new("../x", "one"), new("../x", "two")], new TextSource("../x", "", ""))).Errors[0].File);
        Assert.Empty(Directory.GetDirectories(_folder.Root, "?"));
    }

    private static TextDocument[] Documents() =>
        [.. SampleText.Documents(11, 80, 40).Select((text, i) => new TextDocument(i % 2 == 0 ? "math" : "code", $"{i}: {text}"))];

    private TextCorpus Build(string name, TextDocument[] documents, params TextSource[] sources)
    {
        var tokenizer = _folder.Path("tokenizer.json");
        if (!File.Exists(tokenizer))
        {
            TokenizerFiles.HuggingFace(_folder);
        }

        using var writer = new ArtifactWriter(_folder.Path(name));
        CorpusBuilder.Build(sources.Length > 0 ? sources : Described, documents, tokenizer, writer, 0.1, CancellationToken.None);
        writer.Commit(ArtifactKind.TextCorpus);
        return TextCorpus.Open(_folder.Path(name));
    }

    private static List<string> Decode(TextTokenizer tokenizer, TextCorpus corpus, string source, string side, long tokens)
    {
        var bytes = File.ReadAllBytes(Path.Combine(corpus.Directory, source, $"{side}.bin"));
        Assert.Equal(tokens * 2, bytes.Length);
        var documents = new List<string>();
        var ids = new List<int>();
        foreach (var pair in bytes.Chunk(2))
        {
            var id = pair[0] | (pair[1] << 8);
            if (id == tokenizer.EndOfText)
            {
                documents.Add(tokenizer.Decode(ids));
                ids.Clear();
            }
            else
            {
                ids.Add(id);
            }
        }

        Assert.Empty(ids);
        return documents;
    }
}
