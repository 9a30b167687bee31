using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Scoring;

public sealed class AnswerParserTests
{
    private static readonly string[] Animals = ["cat", "dog", "fire engine", "fire"];

    [Theory]
    [InlineData("The correct answer is (B).", 1)]
    [InlineData("the answer is B", 1)]
    [InlineData("The answer is: C.", 2)]
    [InlineData("answer is option (d)", 3)]
    [InlineData("Answer: B", 1)]
    [InlineData("Answer: (c) because it burns", 2)]
    [InlineData("ANSWER: D", 3)]
    [InlineData("(B)", 1)]
    [InlineData("(b) dog", 1)]
    [InlineData("I would say (C)", 2)]
    [InlineData("I would say (C).", 2)]
    [InlineData("B", 1)]
    [InlineData("b", 1)]
    [InlineData(" B.\n", 1)]
    [InlineData("B)", 1)]
    [InlineData("B. dog", 1)]
    [InlineData("Answer: B\nQuestion: what else? Answer: C", 1)]
    public void Explicit_letters_choose(string output, int expected) => Assert.Equal(expected, AnswerParser.Parse(output, Animals));

    [Theory]
    [InlineData("dog", 1)]
    [InlineData("DOG", 1)]
    [InlineData("dog.", 1)]
    [InlineData("\"Fire engine\"", 2)]
    [InlineData("fire", 3)]
    public void An_option_s_own_text_chooses_it(string output, int expected) => Assert.Equal(expected, AnswerParser.Parse(output, Animals));

    [Theory]
    [InlineData("There is a dog in the picture", 1)]
    [InlineData("a red fire engine stands there", 2)]
    [InlineData("a fire, not a fire engine", 2)]
    [InlineData("the dog and the cat", 1)]
    [InlineData("the answer is a dog", 1)]
    [InlineData("Answer: A dog", 1)]
    [InlineData("A dog (E)", 1)]
    public void The_longest_option_inside_the_output_chooses(string output, int expected) => Assert.Equal(expected, AnswerParser.Parse(output, Animals));

    [Theory]
    [InlineData("")]
    [InlineData("  \n")]
    [InlineData("A house")]
    [InlineData("Bear")]
    [InlineData("category of dogma")]
    [InlineData("the answer is a house")]
    [InlineData("Answer: A house")]
    [InlineData("(E)")]
    [InlineData("E")]
    [InlineData("vitamin B")]
    [InlineData("I.")]
    [InlineData("answer is")]
    public void Letters_inside_words_and_letters_of_no_option_choose_nothing(string output) => Assert.Null(AnswerParser.Parse(output, Animals));

    [Theory]
    // The letter rule comes first (paper.md 4.1), whatever the options are called.
    [InlineData("A", 0)]
    [InlineData("Answer: B", 1)]
    // No letter pattern: now "A" is an option's text, as a word.
    [InlineData("I see the letter A here", 2)]
    [InlineData("banana", null)]
    public void Options_that_are_single_letters_are_told_from_option_letters(string output, int? expected) =>
        Assert.Equal(expected, AnswerParser.Parse(output, ["D", "C", "A", "B"]));

    [Theory]
    [InlineData("a C++ book", 1)]
    [InlineData("a C book", 0)]
    public void Option_texts_may_end_in_signs(string output, int expected) => Assert.Equal(expected, AnswerParser.Parse(output, ["C", "C++"]));

    [Fact]
    public void Texts_are_never_patterns() => Assert.Equal(1, AnswerParser.Parse("is it .* or (x+)+$ here", ["a.*", "(x+)+$"]));

    [Fact]
    public void An_empty_option_is_never_found() => Assert.Null(AnswerParser.Parse("anything", ["", " "]));

    [Fact]
    public void The_letters_reach_as_far_as_the_options()
    {
        Assert.Equal(1, AnswerParser.Parse("B", ["x", "y"]));
        Assert.Null(AnswerParser.Parse("C", ["x", "y"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AnswerParser.Parse("A", new string[27]));
    }
}
