using VisualPriors.Api.Resources;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Tokenization;
using VisualPriors.Evaluation.Scoring;
using VisualPriors.Models;

namespace VisualPriors.Evaluation.Generation;

/// <summary>How far scoring has come.</summary>
/// <param name="Answered">Questions answered; those asked without their image count once more.</param>
/// <param name="Total">Answers wanted in all.</param>
/// <param name="Accuracy">Share of right answers among those given with the image so far.</param>
public readonly record struct SuiteProgress(int Answered, int Total, double Accuracy);

/// <summary>Multi-Level Existence Bench (paper.md 4.3): puts its questions to a model, with and without their images.</summary>
/// <param name="model">The model.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="answering">How an answer is had from it.</param>
public sealed class MleBenchSuite(MultimodalModel model, TextTokenizer tokenizer, Answering answering)
{
    /// <summary>The suite's name in manifests and results.</summary>
    public const string Name = "mleBench";

    /// <summary>Longest prompt, visual tokens included (paper.md 1: the context that models are trained with).</summary>
    private const int MaximumPromptLength = 2048;

    private readonly GreedyGenerator _generator = new(model, tokenizer.EndOfText);
    private readonly ChoiceRanker _ranker = new(model);
    private readonly SequenceBuilder _builder = new(tokenizer, model.Projector.VisualTokens, MaximumPromptLength);

    /// <summary>Asks every question.</summary>
    /// <param name="dataDirectory">Folder of the questions; records name images relative to it.</param>
    /// <param name="blind">Ask each a second time with its image withheld.</param>
    /// <param name="onProgress">Hears of every answer.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>A record for every question, in the data set's order; <see cref="MultipleChoiceScore.Compute"/> scores them.</returns>
    /// <exception cref="Api.Errors.InvalidInputException">The questions or an image cannot be read.</exception>
    public IReadOnlyList<AnswerRecord> Run(string dataDirectory, bool blind, Action<SuiteProgress> onProgress, CancellationToken cancellationToken)
    {
        var questions = MultipleChoiceDataset.Open(dataDirectory).Questions;
        var records = new AnswerRecord[questions.Count];
        var total = questions.Count * (blind ? 2 : 1);
        var (answered, correct) = (0, 0);
        foreach (var (index, output) in Ask(questions, withImage: true, cancellationToken))
        {
            var question = questions[index];
            records[index] = new AnswerRecord
            {
                Suite = Name,
                Index = question.Index,
                Image = Path.GetRelativePath(dataDirectory, question.ImagePath),
                Question = question.Question,
                Choices = question.Choices,
                Answer = question.Answer,
                SubTask = question.SubTask,
                Prompt = MultipleChoicePrompt.Render(question),
                Output = output,
                Chosen = AnswerParser.Parse(output, question.Choices),
            };
            answered++;
            correct += records[index].IsCorrect ? 1 : 0;
            onProgress(new SuiteProgress(answered, total, (double)correct / answered));
        }

        var accuracy = (double)correct / questions.Count;
        foreach (var (index, output) in blind ? Ask(questions, withImage: false, cancellationToken) : [])
        {
            records[index] = records[index] with { BlindOutput = output, BlindChosen = AnswerParser.Parse(output, questions[index].Choices) };
            answered++;
            onProgress(new SuiteProgress(answered, total, accuracy));
        }

        return records;
    }

    /// <summary>Every question's index and answer: what the model wrote, or the text of the choice it found likeliest.</summary>
    private IEnumerable<(int Index, string Output)> Ask(IReadOnlyList<MultipleChoiceQuestion> questions, bool withImage, CancellationToken cancellationToken)
    {
        var prompts = questions
            .Select(question => new GenerationPrompt(
                _builder.Prompt(MultipleChoicePrompt.Render(question), withImage).Tokens,
                withImage ? question.ImagePath : null))
            .ToArray();
        if (answering == Answering.Generation)
        {
            return _generator.Generate(prompts, cancellationToken).Select(found => (found.Index, tokenizer.Decode(found.Tokens).Trim()));
        }

        var choices = prompts
            .Select((prompt, i) => new ChoicePrompt(prompt, [.. questions[i].Choices.Select(_builder.Answer)]))
            .ToArray();
        return _ranker.Choose(choices, cancellationToken).Select(found => (found.Index, questions[found.Index].Choices[found.Answer]));
    }
}
