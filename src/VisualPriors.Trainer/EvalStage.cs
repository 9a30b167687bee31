using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Tokenization;
using VisualPriors.Evaluation.Generation;
using VisualPriors.Evaluation.Scoring;
using VisualPriors.Models;
using VisualPriors.Training.Stages;

namespace VisualPriors.Trainer;

/// <summary>Scores a multimodal model on the suites of its plan.</summary>
internal static class EvalStage
{
    /// <summary>Runs the stage and writes <c>results.json</c> and <c>samples.jsonl</c>.</summary>
    public static IReadOnlyDictionary<string, double> Run(StageWork work, EvalComputation computation, CancellationToken cancellationToken)
    {
        var dtype = computation.Precision.ToScalarType();
        var languageModel = work.Input(StageInputs.LanguageModel, ArtifactKind.Sft).PathOf(StageFolders.LanguageModel);
        var tokenizer = TextTokenizer.Load(Path.Combine(languageModel, StageFolders.TokenizerFile));
        using var model = new MultimodalModel(
            VisionEncoder.Load(work.Input(StageInputs.VisionEncoder, ArtifactKind.VisionEncoder).Directory, work.Device, dtype),
            Projector.Load(work.Input(StageInputs.Projector, ArtifactKind.Sft).PathOf(StageFolders.Projector), work.Device, dtype),
            DecoderFolder.Load(languageModel, work.Device, dtype));

        var results = new List<SuiteResult>();
        var samples = new List<AnswerRecord>();
        for (var i = 0; i < computation.Suites.Count; i++)
        {
            var suite = computation.Suites[i];
            var data = work.Input(StageInputs.Suite(i)).Directory;
            var records = suite.Suite switch
            {
                EvalSuiteKind.MleBench => new MleBenchSuite(model, tokenizer, suite.Answering).Run(data, suite.Blind, Report, cancellationToken),
                var other => throw new NotSupportedException($"no suite {other}"),
            };
            samples.AddRange(records);
            results.Add(MultipleChoiceScore.Compute(MleBenchSuite.Name, records));
        }

        EvaluationFiles.Write(work.Output!.Directory, new EvaluationResults(results), samples);
        return results.SelectMany(suite => suite.Scores.Select(score => (score.Name, score.Accuracy)).Append(("questions", suite.Questions)))
            .ToDictionary(item => item.Item1, item => item.Item2, StringComparer.Ordinal);

        void Report(SuiteProgress progress) => work.Report(new ProgressReport
        {
            Phase = "scoring",
            Step = progress.Answered,
            TotalSteps = progress.Total,
            Accuracy = progress.Accuracy,
        });
    }
}
