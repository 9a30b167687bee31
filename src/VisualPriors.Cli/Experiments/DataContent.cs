using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Text;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Experiments;

/// <summary>Looks into a data set: an artifact's hashes say that it is as it was made, not that it is any good.</summary>
internal static class DataContent
{
    /// <summary>Reads every line and decodes every image; for a corpus, checks every token and that it has the mixture's sources.</summary>
    /// <returns>Samples or questions; 0 for what is not counted.</returns>
    /// <exception cref="InvalidInputException">Everything that is wrong.</exception>
    public static long Check(Manifest manifest, IReadOnlyList<Run> readers, Artifact artifact, CancellationToken cancellationToken)
    {
        switch (artifact.Manifest.Kind)
        {
            case ArtifactKind.TextCorpus:
                CheckCorpus(manifest, readers, artifact, cancellationToken);
                return 0;
            case ArtifactKind.ImageText:
                using (var set = ImageTextDataset.Open(artifact.Directory))
                {
                    set.Validate(cancellationToken);
                    return set.Count;
                }

            case ArtifactKind.MleBench:
                var questions = MultipleChoiceDataset.Open(artifact.Directory);
                questions.Validate(cancellationToken);
                return questions.Questions.Count;
            default:
                return 0;
        }
    }

    private static void CheckCorpus(Manifest manifest, IReadOnlyList<Run> readers, Artifact artifact, CancellationToken cancellationToken)
    {
        using var corpus = TextCorpus.Open(artifact.Directory);
        corpus.Validate(cancellationToken);
        var sources = corpus.Sources.Select(source => source.Name).ToList();
        var errors = readers.OfType<PretrainRun>()
            .SelectMany(run => run.Spec.Data.Mixture.Keys.Except(sources).Select(source => (Run: run, Field: $"spec.data.mixture.{source}")))
            .Select(unknown => manifest.ErrorAt(unknown.Run, unknown.Field, "a source that the corpus lacks", $"one of {string.Join(", ", sources)}"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new InvalidInputException(errors);
        }
    }
}
