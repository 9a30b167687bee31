using VisualPriors.Api.Errors;

namespace VisualPriors.Evaluation.Scoring;

/// <summary>Scores multiple-choice answers by object size.</summary>
public static class MultipleChoiceScore
{
    /// <summary>Name of the score over all questions.</summary>
    public const string Overall = "overall";

    /// <summary>Name of the score over all questions with the images withheld.</summary>
    public const string BlindOverall = "blindOverall";

    /// <summary>MLE-Bench's groups by the share of the image's pixels that the object covers (paper.md 4.3), and our names for them.</summary>
    public static IReadOnlyList<(string SubTask, string Name)> Sizes { get; } =
        [("existence_0-30", "small"), ("existence_30-60", "medium"), ("existence_60-100", "large")];

    /// <summary>
    /// The accuracy of every size and of all questions. Overall weighs every question alike, as the paper does: it is not the mean of
    /// the sizes' accuracies that lmms-eval gives (paper.md 4.3). With blind answers there is a score for them too.
    /// </summary>
    /// <exception cref="InvalidInputException">A question's sub-task is none of <see cref="Sizes"/>.</exception>
    public static SuiteResult Compute(string suite, IReadOnlyList<AnswerRecord> answers)
    {
        foreach (var answer in answers)
        {
            if (!Sizes.Any(size => size.SubTask == answer.SubTask))
            {
                throw new InvalidInputException(
                    answer.Image, "sub_task", $"\"{answer.SubTask}\"", string.Join(", ", Sizes.Select(size => size.SubTask)));
            }
        }

        var scores = new List<Score>();
        foreach (var (subTask, name) in Sizes)
        {
            Add(name, answers.Where(answer => answer.SubTask == subTask), answer => answer.IsCorrect);
        }

        Add(Overall, answers, answer => answer.IsCorrect);
        Add(BlindOverall, answers.Where(answer => answer.BlindOutput is not null), answer => answer.BlindChosen == answer.Answer);
        return new SuiteResult(suite, answers.Count, scores);

        void Add(string name, IEnumerable<AnswerRecord> group, Func<AnswerRecord, bool> isCorrect)
        {
            var (questions, correct) = (0, 0);
            foreach (var answer in group)
            {
                questions++;
                correct += isCorrect(answer) ? 1 : 0;
            }

            if (questions > 0)
            {
                var (low, high) = WilsonInterval.At95(correct, questions);
                scores.Add(new Score(name, questions, correct, (double)correct / questions, low, high));
            }
        }
    }
}
