using VisualPriors.Api.Errors;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.ImageText;

/// <summary>
/// Renders samples as labelled tokens. Labels are set while the pieces are put together, never found in the text afterwards, so nothing
/// that a person writes can shift them.
/// <para>
/// The chat template, made for base models that know no roles (the paper's is unknown, paper.md 3): a human turn is
/// <c>USER: text</c>, a model turn <c>ASSISTANT: text</c> and end-of-text, turns are separated by a line feed. Visual tokens stand
/// where the placeholder was; white space around a placeholder is dropped, so withholding the image leaves the same text. Every piece
/// is encoded by itself, and texts begin with the space before them, as words do inside the text that the tokenizer learned from; so
/// a prompt's tokens never depend on the answer.
/// </para>
/// </summary>
public sealed class SequenceBuilder
{
    private readonly TextTokenizer _tokenizer;
    private readonly int _visualTokens;
    private readonly int _maximumLength;
    private readonly IReadOnlyList<int> _human;
    private readonly IReadOnlyList<int> _nextHuman;
    private readonly IReadOnlyList<int> _model;

    /// <summary>A builder; safe for use by several threads.</summary>
    /// <param name="tokenizer">The language model's tokenizer.</param>
    /// <param name="visualTokens">Visual tokens of an image.</param>
    /// <param name="maximumLength">Longest sequence, visual tokens included.</param>
    public SequenceBuilder(TextTokenizer tokenizer, int visualTokens, int maximumLength)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(visualTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumLength, 1);
        _tokenizer = tokenizer;
        _visualTokens = visualTokens;
        _maximumLength = maximumLength;
        _human = tokenizer.Encode("USER:");
        _nextHuman = tokenizer.Encode("\nUSER:");
        _model = tokenizer.Encode("\nASSISTANT:");
    }

    /// <summary>The plain template of alignment: visual tokens, caption, end-of-text; labels cover the caption and its end.</summary>
    /// <exception cref="InvalidInputException">The sample is no image with one caption, or it is too long; names the sample.</exception>
    public LabelledSequence Caption(ImageTextSample sample)
    {
        CheckTurns(sample);
        if (sample.ImagePath is null || sample.Turns.Count != 2)
        {
            throw Error(sample, sample.ImagePath is null ? "no image" : $"{sample.Turns.Count} turns", "an image with one caption");
        }

        var sequence = new Pieces();
        sequence.AddImage(_visualTokens);
        AddAnswer(sequence, sample.Turns[1].Text);
        return Checked(sequence, () => NameOf(sample));
    }

    /// <summary>The chat template; labels cover the model's turns and their ends.</summary>
    /// <param name="sample">The conversation.</param>
    /// <param name="blind">Whether to withhold the image: its tokens are left out, all else stays.</param>
    /// <exception cref="InvalidInputException">
    /// The turns do not alternate from a human's to a model's, an answer is empty, there are not as many placeholders as images, or the
    /// sequence is too long; names the sample.
    /// </exception>
    public LabelledSequence Instruction(ImageTextSample sample, bool blind)
    {
        CheckTurns(sample);
        var sequence = new Pieces();
        for (var i = 0; i < sample.Turns.Count; i += 2)
        {
            sequence.Add(i == 0 ? _human : _nextHuman);
            var parts = sample.Turns[i].Text.Split(ImageTextSample.ImagePlaceholder);
            for (var part = 0; part < parts.Length; part++)
            {
                if (part > 0 && !blind)
                {
                    sequence.AddImage(_visualTokens);
                }

                AddText(sequence, parts[part]);
            }

            sequence.Add(_model);
            AddAnswer(sequence, sample.Turns[i + 1].Text);
        }

        return Checked(sequence, () => NameOf(sample));
    }

    /// <summary>
    /// What a model is given to answer: the tokens of <see cref="Instruction"/> for a sample that asks this, its image first, up to
    /// where the answer begins. No label is set.
    /// </summary>
    /// <exception cref="InvalidInputException">It is too long.</exception>
    public LabelledSequence Prompt(string question, bool withImage)
    {
        var sequence = new Pieces();
        sequence.Add(_human);
        if (withImage)
        {
            sequence.AddImage(_visualTokens);
        }

        AddText(sequence, question);
        sequence.Add(_model);
        return Checked(sequence, () => $"question '{question}'");
    }

    /// <summary>The tokens of a model's turn, as they follow a <see cref="Prompt"/> in training, end-of-text included.</summary>
    public int[] Answer(string text) => [.. _tokenizer.Encode(" " + text.Trim()), _tokenizer.EndOfText];

    private void AddText(Pieces sequence, string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length > 0)
        {
            sequence.Add(_tokenizer.Encode(" " + trimmed));
        }
    }

    private void AddAnswer(Pieces sequence, string text)
    {
        sequence.AddSupervised(Answer(text));
    }

    private static void CheckTurns(ImageTextSample sample)
    {
        if (sample.Turns.Count == 0 || sample.Turns.Count % 2 != 0)
        {
            throw Error(sample, $"{sample.Turns.Count} turns", "a model's turn after every human's");
        }

        var placeholders = 0;
        for (var i = 0; i < sample.Turns.Count; i++)
        {
            var turn = sample.Turns[i];
            if (turn.FromHuman != (i % 2 == 0))
            {
                throw Error(sample, $"turn {i} by the {(turn.FromHuman ? "human" : "model")}", "turns by human and model in alternation");
            }

            var found = turn.Text.Split(ImageTextSample.ImagePlaceholder).Length - 1;
            if (!turn.FromHuman && (found > 0 || string.IsNullOrWhiteSpace(turn.Text)))
            {
                throw Error(
                    sample,
                    found > 0 ? $"{ImageTextSample.ImagePlaceholder} in an answer" : $"an empty answer (turn {i}): no token to learn",
                    "an answer in words");
            }

            placeholders += found;
        }

        var images = sample.ImagePath is null ? 0 : 1;
        if (placeholders != images)
        {
            throw Error(sample, $"{placeholders} times {ImageTextSample.ImagePlaceholder}", $"{images}, as many as it has images");
        }
    }

    private LabelledSequence Checked(Pieces sequence, Func<string> name) =>
        sequence.Count <= _maximumLength
            ? sequence.ToSequence()
            : throw new InvalidInputException(name(), null, $"{sequence.Count} tokens", $"at most {_maximumLength}");

    private static InvalidInputException Error(ImageTextSample sample, string found, string expected) => new(NameOf(sample), null, found, expected);

    private static string NameOf(ImageTextSample sample) => $"sample '{sample.Id}'";

    /// <summary>A sequence while it grows.</summary>
    private sealed class Pieces
    {
        private readonly List<int> _tokens = [];
        private readonly List<int> _labels = [];

        public int Count => _tokens.Count;

        public void Add(IReadOnlyList<int> tokens)
        {
            _tokens.AddRange(tokens);
            _labels.AddRange(Enumerable.Repeat(LabelledSequence.Ignored, tokens.Count));
        }

        public void AddSupervised(IReadOnlyList<int> tokens)
        {
            _tokens.AddRange(tokens);
            _labels.AddRange(tokens);
        }

        public void AddImage(int visualTokens)
        {
            _tokens.AddRange(Enumerable.Repeat(LabelledSequence.ImageToken, visualTokens));
            _labels.AddRange(Enumerable.Repeat(LabelledSequence.Ignored, visualTokens));
        }

        public LabelledSequence ToSequence() => new([.. _tokens], [.. _labels]);
    }
}
