using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Images;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Scenes;

namespace VisualPriors.Data.Benchmarks;

/// <summary>
/// Questions in MLE-Bench's form: a folder with <c>data.jsonl</c>, each line <c>{"image", "question", "choices": [4], "answer": the
/// right choice's text, "sub_task"}</c>, images at paths relative to the folder.
/// </summary>
public sealed class MultipleChoiceDataset
{
    /// <summary>Kind of the artifact that holds a set of ours.</summary>
    public const string Kind = ArtifactKind.MleBench;

    private MultipleChoiceDataset(IReadOnlyList<MultipleChoiceQuestion> questions) => Questions = questions;

    /// <summary>The questions, in the file's order.</summary>
    public IReadOnlyList<MultipleChoiceQuestion> Questions { get; }

    /// <summary>Opens a folder and checks every line; <see cref="Validate"/> looks at the images.</summary>
    /// <exception cref="InvalidInputException">A line is malformed, or an image's path leads out of the folder.</exception>
    public static MultipleChoiceDataset Open(string directory)
    {
        using var file = new JsonLinesFile<MultipleChoiceQuestion>(
            Path.Combine(directory, DataFolder.Lines), (record, index) => Parse(record, index, directory));
        return new([.. Enumerable.Range(0, file.Count).Select(i => file[i])]);
    }

    /// <summary>Decodes every image.</summary>
    /// <exception cref="InvalidInputException">Some are missing or do not decode: the first ten are named.</exception>
    public void Validate(CancellationToken cancellationToken) =>
        ImageValidation.DecodeAll(Questions.Count, i => Questions[i].ImagePath, cancellationToken);

    private static MultipleChoiceQuestion Parse(JsonRecord record, int index, string directory)
    {
        var choices = record.Strings("choices");
        if (choices.Count != ExistenceQuestionGenerator.OptionCount)
        {
            throw record.Error("choices", $"{choices.Count} choices", $"{ExistenceQuestionGenerator.OptionCount}");
        }

        var answer = record.String("answer");
        var right = Enumerable.Range(0, choices.Count).Where(i => choices[i] == answer).ToArray();
        if (right.Length != 1)
        {
            throw record.Error("answer", $"'{answer}', which is {(right.Length == 0 ? "none" : "several")} of the choices", "one of the choices");
        }

        var subTask = record.String("sub_task");
        var subTasks = SizeBuckets.All.Select(SizeBuckets.SubTaskOf).ToArray();
        if (!subTasks.Contains(subTask))
        {
            throw record.Error("sub_task", $"'{subTask}'", string.Join(" or ", subTasks));
        }

        var image = record.PathInside("image", directory, record.String("image"));
        return new MultipleChoiceQuestion(index, image, record.String("question"), choices, right[0], subTask);
    }
}
