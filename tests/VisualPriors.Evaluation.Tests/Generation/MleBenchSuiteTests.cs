using SkiaSharp;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Tokenization;
using VisualPriors.Evaluation.Generation;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Generation;

[Collection(TinyModel.Collection)]
public sealed class MleBenchSuiteTests : IDisposable
{
    private static readonly string[] Things = ["cat", "dog", "sun", "tree", "boat", "house"];
    private readonly string _directory = Directory.CreateTempSubdirectory("vp-suite-").FullName;

    [Theory]
    [InlineData(Answering.Generation)]
    [InlineData(Answering.Likelihood)]
    public void Every_question_is_asked_seeing_and_blind_and_kept_as_it_was_answered(Answering answering)
    {
        const int Questions = 9;
        WriteQuestions(Questions);
        var tokenizer = Tokenizer();
        using var model = TinyModel.Make(tokenizer.VocabularySize);
        var progress = new List<SuiteProgress>();

        var records = new MleBenchSuite(model, tokenizer, answering).Run(_directory, blind: true, progress.Add, CancellationToken.None);

        Assert.Equal(Questions, records.Count);
        Assert.Equal(Enumerable.Range(0, Questions), records.Select(record => record.Index));
        Assert.Equal("images/3.png", records[3].Image);
        Assert.All(records, record =>
        {
            Assert.Equal(record.Chosen, AnswerParser.Parse(record.Output, record.Choices));
            Assert.Equal(record.BlindChosen, AnswerParser.Parse(record.BlindOutput!, record.Choices));
            Assert.Equal(MultipleChoicePrompt.Render(record.Question, record.Choices), record.Prompt);
        });
        Assert.Contains(records, record => record.Output != record.BlindOutput);
        if (answering == Answering.Likelihood)
        {
            Assert.All(records, record => Assert.Equal(record.Choices[record.Chosen!.Value], record.Output));
        }

        Assert.Equal(Enumerable.Range(1, 2 * Questions), progress.Select(report => report.Answered));
        Assert.All(progress, report => Assert.Equal(2 * Questions, report.Total));
        var result = MultipleChoiceScore.Compute(MleBenchSuite.Name, records);
        Assert.Equal(progress[^1].Accuracy, result.Find("overall")!.Accuracy, 12);
        Assert.NotNull(result.Find("blindOverall"));
    }

    [Fact]
    public void Without_blind_there_are_no_blind_answers()
    {
        WriteQuestions(3);
        var tokenizer = Tokenizer();
        using var model = TinyModel.Make(tokenizer.VocabularySize);
        var records = new MleBenchSuite(model, tokenizer, Answering.Generation).Run(_directory, blind: false, _ => { }, CancellationToken.None);
        Assert.All(records, record => Assert.Null(record.BlindOutput));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private TextTokenizer Tokenizer()
    {
        var path = Path.Combine(_directory, "tokenizer.json");
        BytePairTrainer.Train(["which of the following is in the image? USER: ASSISTANT: Answer with the option's text. cat dog sun tree boat house"], 262, CancellationToken.None).Save(path);
        return TextTokenizer.Load(path);
    }

    private void WriteQuestions(int count)
    {
        Directory.CreateDirectory(Path.Combine(_directory, "images"));
        var lines = new List<string>();
        for (var i = 0; i < count; i++)
        {
            using var bitmap = new SKBitmap(16, 16);
            bitmap.Erase(SKColor.FromHsl(i * 40, 70, 50));
            using var stream = File.Create(Path.Combine(_directory, "images", $"{i}.png"));
            bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
            var choices = Enumerable.Range(i, 4).Select(k => Things[k % Things.Length]).ToArray();
            lines.Add($$"""{"image":"images/{{i}}.png","question":"Which of the following is in the image?","choices":["{{string.Join("\",\"", choices)}}"],"answer":"{{choices[1]}}","answer_text":"{{choices[1]}}","sub_task":"{{MultipleChoiceScore.Sizes[i % 3].SubTask}}"}""");
        }

        File.WriteAllLines(Path.Combine(_directory, "data.jsonl"), lines);
    }
}
