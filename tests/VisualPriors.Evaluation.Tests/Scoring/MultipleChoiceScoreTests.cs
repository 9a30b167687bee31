using VisualPriors.Api.Errors;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Scoring;

public sealed class MultipleChoiceScoreTests
{
    [Fact]
    public void Overall_weighs_every_question_alike()
    {
        // 6 small, all wrong; 2 medium, all right; 2 large, one right: overall 3/10, the macro mean would be 1/2.
        var answers = Answers("existence_0-30", 6, right: 0).Concat(Answers("existence_30-60", 2, right: 2)).Concat(Answers("existence_60-100", 2, right: 1));
        var result = MultipleChoiceScore.Compute("mleBench", [.. answers]);
        Assert.Equal(10, result.Questions);
        Assert.Equal(["small", "medium", "large", "overall"], result.Scores.Select(score => score.Name));
        Assert.Equal([0.0, 1.0, 0.5, 0.3], result.Scores.Select(score => score.Accuracy));
        Assert.Equal([6, 2, 2, 10], result.Scores.Select(score => score.Questions));
        Assert.Equal([0, 2, 1, 3], result.Scores.Select(score => score.Correct));
    }

    [Fact]
    public void Paper_table_5_is_reproduced()
    {
        // gpt-5: 73.63 / 90.69 / 86.31, overall 82.97 over 732, 698 and 431 questions (paper.md 4.3).
        var answers = Answers("existence_0-30", 732, 539).Concat(Answers("existence_30-60", 698, 633)).Concat(Answers("existence_60-100", 431, 372));
        var result = MultipleChoiceScore.Compute("mleBench", [.. answers]);
        Assert.Equal(0.8297, result.Find("overall")!.Accuracy, 0.0001);
    }

    [Fact]
    public void Blind_answers_are_scored_apart_and_only_when_asked()
    {
        var seen = Answers("existence_0-30", 4, right: 4).ToArray();
        Assert.Null(MultipleChoiceScore.Compute("mleBench", seen).Find("blindOverall"));
        var blind = seen.Select((answer, i) => answer with { BlindOutput = "?", BlindChosen = i == 0 ? answer.Answer : null }).ToArray();
        var result = MultipleChoiceScore.Compute("mleBench", blind);
        Assert.Equal(1, result.Find("blindOverall")!.Correct);
        Assert.Equal(4, result.Find("overall")!.Correct);
    }

    [Fact]
    public void An_answer_that_chooses_nothing_is_wrong_and_an_unknown_sub_task_is_refused()
    {
        var answer = Answers("existence_0-30", 1, right: 1).Single();
        Assert.Equal(0, MultipleChoiceScore.Compute("mleBench", [answer with { Chosen = null }]).Find("small")!.Correct);
        var error = Assert.Throws<InvalidInputException>(() => MultipleChoiceScore.Compute("mleBench", [answer with { SubTask = "colour" }]));
        Assert.Contains("\"colour\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("existence_30-60", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    // Reference values of Wilson's interval without continuity correction (Newcombe 1998, table I, method 3).
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0.0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    [InlineData(29, 29, 0.8830, 1.0)]
    public void Intervals_are_Wilson_s(int successes, int trials, double low, double high)
    {
        var interval = WilsonInterval.At95(successes, trials);
        Assert.Equal(low, interval.Low, 0.00006);
        Assert.Equal(high, interval.High, 0.00006);
    }

    [Fact]
    public void Interval_of_no_trials_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.At95(0, 0));

    internal static IEnumerable<AnswerRecord> Answers(string subTask, int count, int right) => Enumerable.Range(0, count).Select(i => new AnswerRecord
    {
        Suite = "mleBench",
        Index = i,
        Image = $"images/{i}.png",
        Question = "Which of the following is in the image?",
        Choices = ["cat", "dog", "sun", "tree"],
        Answer = i % 4,
        SubTask = subTask,
        Prompt = "…",
        Output = "…",
        Chosen = i < right ? i % 4 : (i + 1) % 4,
    });
}
