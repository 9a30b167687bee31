namespace VisualPriors.Data.Benchmarks;

/// <summary>A question about an image with options of which one is right.</summary>
/// <param name="Index">Its place in the file, from 0.</param>
/// <param name="ImagePath">Full path of the image.</param>
/// <param name="Question">The question alone.</param>
/// <param name="Choices">The options' texts.</param>
/// <param name="Answer">Index of the right one.</param>
/// <param name="SubTask">Group it is scored in, such as <c>existence_0-30</c>.</param>
public sealed record MultipleChoiceQuestion(
    int Index, string ImagePath, string Question, IReadOnlyList<string> Choices, int Answer, string SubTask);
