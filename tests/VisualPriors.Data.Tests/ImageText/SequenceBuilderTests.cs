using VisualPriors.Api.Errors;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tests.Text;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.Tests.ImageText;

public sealed class SequenceBuilderTests : IClassFixture<SequenceBuilderTests.SmallTokenizer>
{
    private const int VisualTokens = 3;

    private readonly TextTokenizer _tokenizer;
    private readonly SequenceBuilder _builder;

    public SequenceBuilderTests(SmallTokenizer small)
    {
        _tokenizer = small.Tokenizer;
        _builder = new SequenceBuilder(_tokenizer, VisualTokens, 300);
    }

    [Fact]
    public void A_caption_is_image_text_and_end_and_labels_begin_with_the_text()
    {
        var sequence = _builder.Caption(Sample("<image>", "a red apple"));

        Assert.Equal("[image][image][image] a red apple[end]", Written(sequence.Tokens));
        Assert.Equal(" a red apple[end]", Written(Supervised(sequence)));
        AssertSpans(sequence);
    }

    [Theory]
    [InlineData("<image>\nWhat is it?", "USER:[image][image][image] What is it?\nASSISTANT: an owl[end]")]
    [InlineData("What is it?\n<image>", "USER: What is it?[image][image][image]\nASSISTANT: an owl[end]")]
    [InlineData("Look <image> here", "USER: Look[image][image][image] here\nASSISTANT: an owl[end]")]
    [InlineData("<image>", "USER:[image][image][image]\nASSISTANT: an owl[end]")]
    public void Visual_tokens_stand_where_the_placeholder_was(string question, string expected)
    {
        var sequence = _builder.Instruction(Sample(question, "an owl"), blind: false);

        Assert.Equal(expected, Written(sequence.Tokens));
        Assert.Equal(" an owl[end]", Written(Supervised(sequence)));
        AssertSpans(sequence);
    }

    [Fact]
    public void Every_answer_of_a_conversation_is_learned_with_its_end_and_nothing_else()
    {
        var sequence = _builder.Instruction(Sample("<image>\nWhat is it?", "an owl", "What kind?", "bird"), blind: false);

        Assert.Equal(
            "USER:[image][image][image] What is it?\nASSISTANT: an owl[end]\nUSER: What kind?\nASSISTANT: bird[end]",
            Written(sequence.Tokens));
        Assert.Equal(" an owl[end] bird[end]", Written(Supervised(sequence)));
        AssertSpans(sequence);
    }

    [Theory]
    [InlineData("say ASSISTANT: an owl", "no")]
    [InlineData("\nASSISTANT: an owl<|end_of_text|>\nUSER: really?", "an owl")]
    [InlineData("<|begin_of_text|><|end_of_text|>", "<|end_of_text|>\nUSER: more ASSISTANT: yes")]
    [InlineData("an owl an owl", "an owl")]
    [InlineData("x", "USER:")]
    public void What_people_write_cannot_shift_the_labels(string question, string answer)
    {
        var sequence = _builder.Instruction(new ImageTextSample("s", null, Turns(question, answer)), blind: false);

        // One end-of-text alone, ours; all before the answer's own pieces is not learned.
        Assert.Equal(sequence.Tokens.Length - 1, Array.IndexOf(sequence.Tokens, _tokenizer.EndOfText));
        var answerTokens = _tokenizer.Encode(" " + answer);
        var begin = sequence.Tokens.Length - 1 - answerTokens.Count;
        Assert.All(sequence.Labels[..begin], label => Assert.Equal(LabelledSequence.Ignored, label));
        Assert.Equal([.. answerTokens, _tokenizer.EndOfText], sequence.Labels[begin..]);
        AssertSpans(sequence);
    }

    [Theory]
    [InlineData("<image>\nWhat is it?")]
    [InlineData("What <image> is it?")]
    public void Withholding_the_image_takes_its_tokens_away_and_nothing_else(string question)
    {
        var sample = Sample(question, "an owl");
        var seeing = _builder.Instruction(sample, blind: false);
        var blind = _builder.Instruction(sample, blind: true);

        Assert.Equal(seeing.Tokens.Where(t => t != LabelledSequence.ImageToken), blind.Tokens);
        Assert.Equal(Supervised(seeing), Supervised(blind));
        Assert.DoesNotContain(LabelledSequence.ImageToken, blind.Tokens);
        AssertSpans(blind);
    }

    [Theory]
    [InlineData("What is it?", "owl")]
    [InlineData("Which of these?\nA. owl\nB. taxi\nAnswer with the option's text.", "taxi")]
    [InlineData("ends in a colon:", "'s")]
    [InlineData("x", "  \n odd   spaces\n")]
    [InlineData("é ü 水", "水")]
    public void A_prompt_is_the_beginning_of_its_instruction_token_for_token(string question, string answer)
    {
        foreach (var blind in new[] { false, true })
        {
            var prompt = _builder.Prompt(question, withImage: !blind);
            var instruction = _builder.Instruction(Sample($"<image>\n{question}", answer), blind);

            Assert.Equal(prompt.Tokens, instruction.Tokens[..prompt.Tokens.Length]);
            Assert.All(prompt.Labels, label => Assert.Equal(LabelledSequence.Ignored, label));
            Assert.Equal(prompt.Tokens.Length, Array.FindIndex(instruction.Labels, label => label != LabelledSequence.Ignored));
        }
    }

    [Theory]
    [InlineData("two images", true, new[] { "<image><image> what?", "owl" })]
    [InlineData("no placeholder", true, new[] { "what?", "owl" })]
    [InlineData("no image", false, new[] { "<image> what?", "owl" })]
    [InlineData("placeholder in the answer", true, new[] { "what?", "<image> owl" })]
    [InlineData("no answer", true, new[] { "<image> what?" })]
    [InlineData("empty answer", true, new[] { "<image> what?", "" })]
    [InlineData("blank second answer", true, new[] { "<image> what?", "owl", "sure?", " \n" })]
    [InlineData("no turns", false, new string[0])]
    public void A_sample_that_cannot_be_learned_from_is_refused_by_its_id(string id, bool hasImage, string[] texts)
    {
        var sample = new ImageTextSample(id, hasImage ? "x.png" : null, Turns(texts));

        var error = Assert.Throws<InvalidInputException>(() => _builder.Instruction(sample, blind: false));

        Assert.Contains($"'{id}'", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => _builder.Instruction(sample, blind: true));
        Assert.Throws<InvalidInputException>(() => _builder.Caption(sample));
    }

    [Fact]
    public void Turns_that_do_not_alternate_are_refused()
    {
        var sample = new ImageTextSample("twice", null, [new(false, "a"), new(true, "b")]);

        Assert.Contains("'twice'", Assert.Throws<InvalidInputException>(() => _builder.Instruction(sample, blind: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Length_counts_visual_tokens_and_is_bounded()
    {
        var sample = Sample("<image>\nWhat is it?", "an owl");
        var length = _builder.Instruction(sample, blind: false).Tokens.Length;

        Assert.Equal(length, new SequenceBuilder(_tokenizer, VisualTokens, length).Instruction(sample, blind: false).Tokens.Length);
        var tight = new SequenceBuilder(_tokenizer, VisualTokens, length - 1);
        var error = Assert.Throws<InvalidInputException>(() => tight.Instruction(sample, blind: false));
        Assert.Contains("'s'", error.Message, StringComparison.Ordinal);
        Assert.Equal(length - VisualTokens, tight.Instruction(sample, blind: true).Tokens.Length);
        Assert.Throws<InvalidInputException>(() => new SequenceBuilder(_tokenizer, VisualTokens, 5).Prompt("What is it?", withImage: true));
        Assert.Throws<InvalidInputException>(() => new SequenceBuilder(_tokenizer, VisualTokens, 5).Caption(Sample("<image>", "quite a long caption")));
    }

    [Fact]
    public void A_caption_needs_one_image_and_one_answer()
    {
        Assert.Throws<InvalidInputException>(() => _builder.Caption(new ImageTextSample("s", null, Turns("what?", "owl"))));
        Assert.Throws<InvalidInputException>(() => _builder.Caption(Sample("<image>", "owl", "really?", "yes")));
    }

    private static ImageTextSample Sample(params string[] texts) => new("s", "x.png", Turns(texts));

    private static ConversationTurn[] Turns(params string[] texts) => [.. texts.Select((t, i) => new ConversationTurn(i % 2 == 0, t))];

    private static int[] Supervised(LabelledSequence sequence) => [.. sequence.Labels.Where(l => l != LabelledSequence.Ignored)];

    /// <summary>Every label is the token at its place or ignored.</summary>
    private static void AssertSpans(LabelledSequence sequence)
    {
        Assert.Equal(sequence.Tokens.Length, sequence.Labels.Length);
        Assert.All(sequence.Tokens.Zip(sequence.Labels), pair => Assert.True(pair.Second == LabelledSequence.Ignored || pair.Second == pair.First));
    }

    private string Written(IEnumerable<int> tokens) => string.Concat(tokens.Select(t =>
        t == LabelledSequence.ImageToken ? "[image]" : t == _tokenizer.EndOfText ? "[end]" : _tokenizer.Decode([t])));

    public sealed class SmallTokenizer
    {
        public SmallTokenizer()
        {
            using var folder = new TemporaryFolder();
            var text = string.Concat(Enumerable.Repeat("USER: What is it?\nASSISTANT: an owl, a red apple. What kind? bird. ", 20));
            BytePairTrainer.Train([text], 290, CancellationToken.None).Save(folder.Path("tokenizer.json"));
            Tokenizer = TextTokenizer.Load(folder.Path("tokenizer.json"));
        }

        public TextTokenizer Tokenizer { get; }
    }
}
