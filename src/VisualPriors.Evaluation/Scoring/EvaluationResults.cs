using System.Text.Json.Serialization;

namespace VisualPriors.Evaluation.Scoring;

/// <summary>What an evaluation found: the content of <c>results.json</c>.</summary>
/// <param name="Suites">One for each suite, in the order asked.</param>
public sealed record EvaluationResults(IReadOnlyList<SuiteResult> Suites);

/// <summary>The scores of one suite.</summary>
/// <param name="Suite">The suite's name as in a manifest, such as <c>mleBench</c>.</param>
/// <param name="Questions">Questions asked.</param>
/// <param name="Scores">Scores by group; a group without questions has none.</param>
public sealed record SuiteResult(string Suite, int Questions, IReadOnlyList<Score> Scores)
{
    /// <summary>The score of a group, or null.</summary>
    public Score? Find(string name) => Scores.FirstOrDefault(score => score.Name == name);
}

/// <summary>The accuracy over a group of questions and its 95 % interval, as fractions.</summary>
/// <param name="Name">The group, such as <c>small</c> or <c>overall</c>.</param>
/// <param name="Questions">Questions in the group.</param>
/// <param name="Correct">Right answers among them.</param>
/// <param name="Accuracy">Their share.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
public sealed record Score(string Name, int Questions, int Correct, double Accuracy, double Low, double High);

/// <summary>One question, as it was asked and answered: a line of <c>samples.jsonl</c>. Enough to score again without the model.</summary>
public sealed record AnswerRecord
{
    /// <summary>The suite's name.</summary>
    public required string Suite { get; init; }

    /// <summary>The question's place in its data set.</summary>
    public required int Index { get; init; }

    /// <summary>The image, relative to the data set's folder.</summary>
    public required string Image { get; init; }

    /// <summary>The question as in the data set.</summary>
    public required string Question { get; init; }

    /// <summary>The options' texts.</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>Index of the right option.</summary>
    public required int Answer { get; init; }

    /// <summary>The data set's group for the question, such as <c>existence_0-30</c>.</summary>
    public required string SubTask { get; init; }

    /// <summary>The text put to the model.</summary>
    public required string Prompt { get; init; }

    /// <summary>What the model wrote.</summary>
    public required string Output { get; init; }

    /// <summary>Index of the option found in the output; null when it chooses none, which counts as wrong.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? Chosen { get; init; }

    /// <summary>What the model wrote with the image withheld; null when it was not asked so.</summary>
    public string? BlindOutput { get; init; }

    /// <summary>Index of the option found in <see cref="BlindOutput"/>.</summary>
    public int? BlindChosen { get; init; }

    /// <summary>Whether the answer is right.</summary>
    [JsonIgnore]
    public bool IsCorrect => Chosen == Answer;
}
