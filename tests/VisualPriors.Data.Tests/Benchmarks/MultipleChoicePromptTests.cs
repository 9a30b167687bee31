using VisualPriors.Data.Benchmarks;

namespace VisualPriors.Data.Tests.Benchmarks;

public sealed class MultipleChoicePromptTests
{
    [Fact]
    public void A_prompt_is_the_question_the_lettered_options_and_how_to_answer()
    {
        var question = new MultipleChoiceQuestion(0, "x.png", "Which of the following is in the image?", ["owl", "taxi", "key", "comet"], 1, "existence_0-30");

        Assert.Equal(
            """
            Which of the following is in the image?
            A. owl
            B. taxi
            C. key
            D. comet
            Answer with the option's text.
            """,
            MultipleChoicePrompt.Render(question));
        Assert.Equal(MultipleChoicePrompt.Render(question), MultipleChoicePrompt.Render(question.Question, question.Choices));
    }
}
