using VisualPriors.Api.Errors;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Scoring;

public sealed class EvaluationFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vp-evaluation-").FullName;

    [Fact]
    public void Results_and_samples_survive_the_way_to_disk_and_back()
    {
        var answers = MultipleChoiceScoreTests.Answers("existence_0-30", 3, right: 1).ToArray();
        answers[1] = answers[1] with { Output = "ein Bär\n\"<b>\"", Chosen = null, BlindOutput = "", BlindChosen = null };
        var results = new EvaluationResults([MultipleChoiceScore.Compute("mleBench", answers)]);
        EvaluationFiles.Write(_directory, results, answers);

        var readBack = EvaluationFiles.ReadResults(PathOf(EvaluationFiles.ResultsName));
        Assert.Equal(results.Suites[0].Scores, readBack.Suites[0].Scores);
        Assert.Equal(3, readBack.Suites[0].Questions);
        var samples = EvaluationFiles.ReadSamples(PathOf(EvaluationFiles.SamplesName)).ToArray();
        Assert.Equal(3, samples.Length);
        Assert.Equal(answers[1] with { Choices = samples[1].Choices }, samples[1]);
        Assert.Equal(answers[1].Choices, samples[1].Choices);
    }

    [Fact]
    public void The_form_on_disk_is_the_agreed_one()
    {
        var answer = MultipleChoiceScoreTests.Answers("existence_0-30", 1, right: 1).Single() with { Output = "ä", Chosen = null };
        EvaluationFiles.Write(_directory, new EvaluationResults([new SuiteResult("mleBench", 1, [new Score("overall", 4, 1, 0.25, 0.1, 0.5)])]), [answer]);
        Assert.Equal(
            """{"suite":"mleBench","index":0,"image":"images/0.png","question":"Which of the following is in the image?","choices":["cat","dog","sun","tree"],"answer":0,"subTask":"existence_0-30","prompt":"…","output":"ä","chosen":null}""" + "\n",
            File.ReadAllText(PathOf(EvaluationFiles.SamplesName)));
        Assert.Equal(
            """{"suites":[{"suite":"mleBench","questions":1,"scores":[{"name":"overall","questions":4,"correct":1,"accuracy":0.25,"low":0.1,"high":0.5}]}]}""",
            string.Concat(File.ReadAllText(PathOf(EvaluationFiles.ResultsName)).Where(c => !char.IsWhiteSpace(c))));
    }

    [Theory]
    [InlineData("""{"suite":"s","index":0,"image":"i","question":"q","choices":["a"],"answer":1,"subTask":"t","prompt":"p","output":"o","chosen":0}""", "answer")]
    [InlineData("""{"suite":"s","index":0,"image":"i","question":"q","choices":["a"],"answer":0,"subTask":"t","prompt":"p","output":"o","chosen":7}""", "chosen")]
    [InlineData("""{"suite":"s","index":0,"image":"i","question":"q","choices":null,"answer":0,"subTask":"t","prompt":"p","output":"o","chosen":0}""", "choices")]
    [InlineData("""{"suite":"s"}""", "index")]
    [InlineData("null", "answered question")]
    [InlineData("not json", "answered question")]
    public void A_bad_line_is_named(string line, string expected)
    {
        var good = """{"suite":"s","index":0,"image":"i","question":"q","choices":["a"],"answer":0,"subTask":"t","prompt":"p","output":"o","chosen":0}""";
        File.WriteAllText(PathOf("samples.jsonl"), $"{good}\n{line}\n");
        var error = Assert.Throws<InvalidInputException>(() => EvaluationFiles.ReadSamples(PathOf("samples.jsonl")).ToArray());
        Assert.Equal(2, error.Errors[0].Line);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_files_are_named()
    {
        Assert.Contains("nowhere.json", Assert.Throws<InvalidInputException>(() => EvaluationFiles.ReadResults(PathOf("nowhere.json"))).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere.jsonl", Assert.Throws<InvalidInputException>(() => EvaluationFiles.ReadSamples(PathOf("nowhere.jsonl")).ToArray()).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string PathOf(string name) => Path.Combine(_directory, name);
}
