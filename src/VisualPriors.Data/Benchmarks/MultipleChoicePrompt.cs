using System.Text;

namespace VisualPriors.Data.Benchmarks;

/// <summary>The one way a multiple-choice question is put to a model, in instruction data and in evaluation.</summary>
public static class MultipleChoicePrompt
{
    /// <summary>The question, a line for each lettered option, and how to answer.</summary>
    public static string Render(MultipleChoiceQuestion question) => Render(question.Question, question.Choices);

    /// <summary>The same from its parts.</summary>
    public static string Render(string question, IReadOnlyList<string> choices)
    {
        var prompt = new StringBuilder(question).Append('\n');
        for (var i = 0; i < choices.Count; i++)
        {
            prompt.Append((char)('A' + i)).Append(". ").Append(choices[i]).Append('\n');
        }

        return prompt.Append("Answer with the option's text.").ToString();
    }
}
