using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Tests.Text;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.Tests.Tokenization;

public sealed class TextTokenizerTests
{
    public static TheoryData<string> AwkwardTexts =>
    [
        "",
        " ",
        "  \t\n\n \r\n  x  ",
        "It's 1234567 o'clock -- \"really\"?!",
        "naïve Ünïcödé 漢字かな 한국어 עברית",
        "👩‍🚀🦊 flags 🇨🇭 e\u0301 \u00a0nbsp \u200b",
        "𝒜𝒷𝒸 math letters beyond the first plane",
        "control \0\u0001\u001f\u007f\u0085 characters",
        "<|begin_of_text|> is text <|end_of_text|>",
        "for (int i = 0; i < n; ++i) {\n\t\tx[i] <<= 2;\n}\n",
    ];

    [Theory]
    [MemberData(nameof(AwkwardTexts))]
    public void A_byte_level_tokenizer_gives_every_text_back_and_never_makes_special_tokens(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Path("ranks.tiktoken"), TokenizerFiles.Tiktoken("an", "in", "the", " t", " th", "th"));
        foreach (var path in new[] { TokenizerFiles.HuggingFace(folder), folder.Path("ranks.tiktoken") })
        {
            var tokenizer = TextTokenizer.Load(path);
            var ids = tokenizer.Encode(text);

            Assert.Equal(text, tokenizer.Decode(ids));
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.DoesNotContain(tokenizer.BeginOfText, ids);
            Assert.DoesNotContain(tokenizer.EndOfText, ids);
        }
    }

    [Fact]
    public void Random_text_comes_back()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder));
        var random = new Random(42);
        for (var i = 0; i < 200; i++)
        {
            var text = string.Concat(Enumerable.Range(0, 60).Select(_ => RandomRune(random).ToString()));
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }

        static Rune RandomRune(Random random)
        {
            while (true)
            {
                if (Rune.TryCreate(random.Next(random.Next(2) == 0 ? 0x100 : 0x110000), out var rune))
                {
                    return rune;
                }
            }
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder));

        Assert.Equal("a\uFFFDb", tokenizer.Decode(tokenizer.Encode("a\ud83eb")));
    }

    [Fact]
    public void Special_tokens_are_left_out_of_text_and_foreign_ids_refused()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder));

        Assert.Equal("dog", tokenizer.Decode([tokenizer.BeginOfText, .. tokenizer.Encode("dog"), tokenizer.EndOfText]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([tokenizer.VocabularySize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
    }

    [Fact]
    public void Gives_the_ids_of_Hugging_Faces_own_library()
    {
        var folder = Path.Combine(Path.GetDirectoryName(ThisFile())!, "Golden");
        var tokenizer = TextTokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "encodings.json")))!.AsArray();

        Assert.True(cases.Count > 20);
        foreach (var entry in cases)
        {
            Assert.Equal(entry!["ids"]!.AsArray().Select(id => id!.GetValue<int>()), tokenizer.Encode(entry["text"]!.GetValue<string>()));
        }
    }

    [Fact]
    public void Merges_may_be_written_as_pairs()
    {
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        var text = SampleText.Documents(8, 1, 200)[0];
        var pairs = TokenizerFiles.HuggingFace(other, root => root["model"]!["merges"] = new JsonArray(
            [.. root["model"]!["merges"]!.AsArray().Select(merge => new JsonArray([.. merge!.GetValue<string>().Split(' ').Select(part => (JsonNode)part)]))]));

        Assert.Equal(TextTokenizer.Load(TokenizerFiles.HuggingFace(folder)).Encode(text), TextTokenizer.Load(pairs).Encode(text));
    }

    [Fact]
    public void With_ignore_merges_a_word_that_is_a_token_needs_no_merges()
    {
        using var folder = new TemporaryFolder();
        var path = TokenizerFiles.HuggingFace(folder, root =>
        {
            root["model"]!["ignore_merges"] = true;
            root["model"]!["vocab"]!["xylograph"] = 400;
        });
        var tokenizer = TextTokenizer.Load(path);

        Assert.Equal([400], tokenizer.Encode("xylograph"));
        Assert.Equal(401, tokenizer.VocabularySize);
        var text = SampleText.Documents(9, 1, 200)[0];
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        using var plain = new TemporaryFolder();
        Assert.Equal(TextTokenizer.Load(TokenizerFiles.HuggingFace(plain)).Encode(text), tokenizer.Encode(text));
    }

    [Fact]
    public void Gpt2s_kind_splits_by_its_own_pattern_and_has_one_marker()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder, root =>
        {
            root["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false };
            root["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 400, ["content"] = "<|endoftext|>", ["special"] = true });
            var vocabulary = root["model"]!["vocab"]!.AsObject();
            vocabulary.Remove("<|begin_of_text|>");
            vocabulary.Remove("<|end_of_text|>");
            vocabulary["67"] = 401;
            vocabulary["678"] = 402;
            vocabulary["6789"] = 403;
            root["model"]!["merges"]!.AsArray().Add("6 7");
            root["model"]!["merges"]!.AsArray().Add("67 8");
            root["model"]!["merges"]!.AsArray().Add("678 9");
        }));

        Assert.Equal((404, 400, 400), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
        Assert.Equal([403], tokenizer.Encode("6789"));
    }

    [Fact]
    public void An_added_token_that_is_not_special_is_one_token_of_the_text()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(
            folder, root => root["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 400, ["content"] = "[[tool]]", ["special"] = false })));

        Assert.Equal(401, tokenizer.VocabularySize);
        Assert.Equal([.. tokenizer.Encode("a "), 400, .. tokenizer.Encode("b")], tokenizer.Encode("a [[tool]]b"));
        Assert.Equal("a [[tool]]b", tokenizer.Decode(tokenizer.Encode("a [[tool]]b")));
    }

    [Fact]
    public void Splits_follow_one_another()
    {
        using var folder = new TemporaryFolder();
        var plain = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder)).Encode(" 123");
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder, root =>
        {
            var digit = new JsonObject { ["type"] = "Split", ["behavior"] = "Isolated", ["pattern"] = new JsonObject { ["Regex"] = "[0-9]" } };
            root["pre_tokenizer"]!["pretokenizers"]!.AsArray().Insert(0, digit);
        }));

        Assert.True(plain.Count < 4);
        Assert.Equal([2 + ' ', 2 + '1', 2 + '2', 2 + '3'], tokenizer.Encode(" 123"));
    }

    [Theory]
    [InlineData("<s>", "</s>")]
    [InlineData("<bos>", "<eos>")]
    [InlineData("<|begin_of_text|>", "<|endoftext|>")]
    public void Finds_begin_and_end_of_text_by_their_names(string begin, string end)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(TokenizerFiles.HuggingFace(folder, root => Rename(root, begin, end)));

        Assert.Equal((0, 1), (tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void A_tokenizer_without_an_end_of_text_is_refused()
    {
        using var folder = new TemporaryFolder();
        Refused(TokenizerFiles.HuggingFace(folder, root => Rename(root, "<s>", "<stop>")), "added_tokens", "no end of text");
    }

    [Fact]
    public void A_tiktoken_file_merges_by_rank_and_gets_its_markers_at_the_end()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TextTokenizer.Load(folder.Write("ranks.tiktoken", TokenizerFiles.Tiktoken("th", "he", "the", " the")));

        Assert.Equal([258], tokenizer.Encode("the"));
        Assert.Equal([258, 259], tokenizer.Encode("the the"));
        Assert.Equal([257, 'n'], tokenizer.Encode("hen"));
        Assert.Equal((262, 260, 261), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void A_SentencePiece_model_is_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Path("tokenizer.model");
        File.WriteAllBytes(path, TokenizerFiles.SentencePiece("<s>", "▁d", "og", "▁dog", "▁", "d", "o", "g"));
        var tokenizer = TextTokenizer.Load(path);

        Assert.Equal((266, 1, 2), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
        Assert.Equal([261], tokenizer.Encode("dog"));
        Assert.Equal("dog dé", tokenizer.Decode([1, .. tokenizer.Encode("dog dé"), 2]));
    }

    [Fact]
    public void A_damaged_SentencePiece_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        var model = TokenizerFiles.SentencePiece("<s>", "▁d", "og");
        var path = folder.Path("tokenizer.model");
        for (var length = 1; length < model.Length; length += 97)
        {
            File.WriteAllBytes(path, model[..length]);
            Assert.Throws<InvalidInputException>(() => TextTokenizer.Load(path));
        }
    }

    [Fact]
    public void A_cut_off_file_is_refused_wherever_it_is_cut()
    {
        using var folder = new TemporaryFolder();
        var content = File.ReadAllText(TokenizerFiles.HuggingFace(folder));
        for (var length = 0; length < content.Length - 2; length += 1237)
        {
            Assert.Throws<InvalidInputException>(() => TextTokenizer.Load(folder.Write("cut.json", content[..length])));
        }
    }

    [Fact]
    public void Every_flaw_of_a_tokenizer_json_is_named()
    {
        Flaw(root => root.Remove("model"), "model", "nothing");
        Flaw(root => root["model"] = 3, "model", "3");
        Flaw(root => root["model"]!["type"] = "Unigram", "model.type", "Unigram");
        Flaw(root => root["model"]!["byte_fallback"] = true, "model.byte_fallback", "true");
        Flaw(root => root["model"]!["unk_token"] = "<unk>", "model.unk_token", "<unk>");
        Flaw(root => root["normalizer"] = new JsonObject { ["type"] = "NFC" }, "normalizer", "NFC");
        Flaw(root => root["model"]!["vocab"] = new JsonArray(), "model.vocab", "[]");
        Flaw(root => root["model"]!["vocab"]!["new"] = 5, "model.vocab[\"new\"]", "another token has");
        Flaw(root => root["model"]!["vocab"]!["new"] = -1, "model.vocab[\"new\"]", "-1");
        Flaw(root => root["model"]!["vocab"]!["new"] = 2_000_000_000, "model.vocab[\"new\"]", "2000000000");
        Flaw(root => root["model"]!["vocab"]!["new"] = 1.5, "model.vocab[\"new\"]", "1.5");
        Flaw(root => root["model"]!["vocab"]!.AsObject().Remove("Ā"), "model.vocab", "0x00");
        Flaw(root => root["model"]!["merges"]![0] = "x nowhere", "model.merges[0]", "nowhere");
        Flaw(root => root["model"]!["merges"]![1] = "ab", "model.merges[1]", "\"ab\"");
        Flaw(root => root["model"]!["merges"]![1] = new JsonArray("a", 7), "model.merges[1]", "7");
        Flaw(root => root["model"]!["merges"]!.AsArray().Add(root["model"]!["merges"]![3]!.DeepClone()), "model.merges[142]", "listed before");
        Flaw(root => root["added_tokens"]![1]!["id"] = 0, "added_tokens[1].id", "id 0");
        Flaw(root => root["added_tokens"]![1]!["content"] = "<|begin_of_text|>", "added_tokens[1].content", "twice");
        Flaw(root => root["pre_tokenizer"] = null, "pre_tokenizer", "none");
        Flaw(root => root["pre_tokenizer"]!["pretokenizers"]![0]!["type"] = "Whitespace", "pre_tokenizer.pretokenizers[0].type", "Whitespace");
        Flaw(root => root["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = "(", "pre_tokenizer.pretokenizers[0].pattern", "(");
        Flaw(root => root["pre_tokenizer"]!["pretokenizers"]![0]!["behavior"] = "Removed", "pre_tokenizer.pretokenizers[0].behavior", "Removed");
        Flaw(root => root["pre_tokenizer"]!["pretokenizers"]![1]!["add_prefix_space"] = true, "pre_tokenizer.pretokenizers[1].add_prefix_space", "true");
        Flaw(root => root["pre_tokenizer"]!["pretokenizers"]!.AsArray().RemoveAt(1), "pre_tokenizer", "no ByteLevel");

        static void Flaw(Action<JsonObject> change, string field, string found)
        {
            using var folder = new TemporaryFolder();
            Refused(TokenizerFiles.HuggingFace(folder, change), field, found);
        }
    }

    [Fact]
    public void Changed_bytes_are_read_or_refused_but_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(42);
        byte[][] files = [File.ReadAllBytes(TokenizerFiles.HuggingFace(folder)), Encoding.ASCII.GetBytes(TokenizerFiles.Tiktoken("th", "the")), TokenizerFiles.SentencePiece("<s>", "▁d", "og")];
        for (var trial = 0; trial < 600; trial++)
        {
            var content = files[trial % files.Length].ToArray();
            content[random.Next(content.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(folder.Path("changed"), content);
            var error = Record.Exception(() => TextTokenizer.Load(folder.Path("changed")).Encode("the dog"));
            Assert.True(error is null or InvalidInputException, error?.ToString());
        }
    }

    [Fact]
    public void A_token_listed_twice_is_refused()
    {
        using var folder = new TemporaryFolder();
        var content = File.ReadAllText(TokenizerFiles.HuggingFace(folder));
        var changed = content.Replace("\"\\\"\": 36,", "\"\\\"\": 36, \"\\\"\": 399999,", StringComparison.Ordinal);
        Assert.NotEqual(content, changed);

        Refused(folder.Write("twice.json", changed), "model.vocab[\"\"\"]", "twice");
    }

    [Theory]
    [InlineData("no base64! 256\n", 257)]
    [InlineData("dGhl\n", 257)]
    [InlineData("dGhl -3\n", 257)]
    [InlineData("dGhl 99999999999\n", 257)]
    [InlineData("dGhl 12\n", 257)]
    [InlineData("AA== 256\n", 257)]
    [InlineData("dGhl 300\n", null)]
    public void Every_flaw_of_a_tiktoken_file_is_named_with_its_line(string last, int? line)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("ranks.tiktoken", TokenizerFiles.Tiktoken() + last);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => TextTokenizer.Load(path)).Errors);

        Assert.Equal((path, line), (error.File, error.Line));
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is a poem, not a tokenizer\n")]
    [InlineData("\u0000\u0001\u0002")]
    [InlineData("QQ== 0\n")]
    public void Something_else_is_no_tokenizer(string content)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("tokenizer", content);

        Assert.Equal(path, Assert.Throws<InvalidInputException>(() => TextTokenizer.Load(path)).Errors[0].File);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        Refused("/nowhere/tokenizer.json", null, "no such file");
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static void Rename(JsonObject root, string begin, string end)
    {
        foreach (var (id, name) in new[] { (0, begin), (1, end) })
        {
            root["model"]!["vocab"]!.AsObject().Remove(root["added_tokens"]![id]!["content"]!.GetValue<string>());
            root["added_tokens"]![id]!["content"] = name;
        }
    }

    private static void Refused(string path, string? field, string found)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => TextTokenizer.Load(path)).Errors);
        Assert.Equal((path, field), (error.File, error.Field));
        Assert.Contains(found, error.Found, StringComparison.Ordinal);
    }
}
