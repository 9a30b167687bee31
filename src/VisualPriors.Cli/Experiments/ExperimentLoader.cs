using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Cli.Experiments;

/// <summary>Makes an experiment of a manifest: everything that can be wrong before computing is found here.</summary>
internal static class ExperimentLoader
{
    /// <summary>Reads, checks and plans; looks up what is finished.</summary>
    /// <param name="file">The manifest.</param>
    /// <param name="dataRoot">Folder of prepared data.</param>
    /// <param name="outputDirectory">Folder for everything the run leaves.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <param name="checkpoints">Address that checkpoints go below; null puts them into the output folder.</param>
    /// <exception cref="InvalidInputException">Everything that is wrong with the manifest, the address, or the data the manifest names.</exception>
    public static Experiment Load(
        string file, string dataRoot, string outputDirectory, CancellationToken cancellationToken, string? checkpoints = null)
    {
        if (checkpoints is not null)
        {
            ObjectStores.Open(checkpoints); // a wrong address or missing credentials are told before anything starts
        }

        var manifest = ManifestReader.Read(file);
        var data = DataCatalog.Open(manifest, dataRoot, cancellationToken);
        var stages = StagePlanner.Plan(manifest.Runs, data.ToDictionary(set => set.Key, set => set.Value.Location), StagePlaces.InFolder(outputDirectory, checkpoints));
        return new Experiment(
            manifest,
            outputDirectory,
            [.. stages.Select(stage => new ExperimentStage(stage, StepsOf(stage.Run, data), FindFinished(stage, cancellationToken)))]);
    }

    /// <summary>The stage's artifact where an earlier run left it, whole and of this very stage.</summary>
    private static Artifact? FindFinished(PlannedStage stage, CancellationToken cancellationToken)
    {
        var directory = stage.Plan.Placement.Output;
        if (!Artifact.Exists(directory))
        {
            return null;
        }

        try
        {
            var artifact = Artifact.Open(directory, ArtifactKind.Of(stage.Plan.Computation));
            artifact.Verify(cancellationToken);
            return artifact.Manifest.StageDigest == stage.Digest ? artifact : null;
        }
        catch (InvalidInputException)
        {
            // Damaged output is no input: it is computed anew and replaced.
            return null;
        }
    }

    private static long StepsOf(Run run, IReadOnlyDictionary<string, PreparedData> data) => run switch
    {
        PretrainRun { Spec: var spec } => StageSteps.Of(spec.Training),
        AlignRun { Spec: var spec } => StageSteps.Of(spec.Training, data[spec.Captions].Count),
        SftRun { Spec: var spec } => StageSteps.Of(spec.Training, data[spec.Instructions].Count),
        EvalRun { Spec: var spec } => spec.Suites.Sum(suite => data[suite.Data].Count),
        _ => throw new ArgumentException($"no steps for a {run.Kind}", nameof(run)),
    };
}
