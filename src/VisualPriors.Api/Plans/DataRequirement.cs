using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>A prepared data set that a run reads.</summary>
/// <param name="Field">Path of the field that names it.</param>
/// <param name="Name">Its name: a folder below the data root.</param>
/// <param name="Kind">The artifact kind it must be of, see <see cref="ArtifactKind"/>.</param>
public sealed record DataRequirement(string Field, string Name, string Kind)
{
    /// <summary>What a run reads, apart from its upstream.</summary>
    public static IReadOnlyList<DataRequirement> Of(Run run) => run switch
    {
        PretrainRun { Spec: var spec } => [new("spec.data.corpus", spec.Data.Corpus, ArtifactKind.TextCorpus)],
        AlignRun { Spec: var spec } =>
        [
            new("spec.visionEncoder", spec.VisionEncoder, ArtifactKind.VisionEncoder),
            new("spec.captions", spec.Captions, ArtifactKind.ImageText),
        ],
        SftRun { Spec: var spec } => [new("spec.instructions", spec.Instructions, ArtifactKind.ImageText)],
        EvalRun { Spec: var spec } =>
            [.. spec.Suites.Select((suite, i) => new DataRequirement($"spec.suites[{i}].data", suite.Data, KindOf(suite.Suite)))],
        _ => [],
    };

    private static string KindOf(EvalSuiteKind suite) => suite switch
    {
        EvalSuiteKind.MleBench => ArtifactKind.MleBench,
        _ => throw new ArgumentOutOfRangeException(nameof(suite), suite, "a suite without a data format"),
    };
}

/// <summary>A prepared data set that was found.</summary>
/// <param name="Directory">Its folder, or its address in an object store.</param>
/// <param name="Digest">Its content digest.</param>
public sealed record DataSet(string Directory, string Digest);
