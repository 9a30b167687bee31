using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Experiments;

/// <summary>A prepared data set that was checked.</summary>
/// <param name="Location">Folder and content digest.</param>
/// <param name="Count">Samples or questions in it; 0 where they do not count.</param>
internal sealed record PreparedData(DataSet Location, long Count);

/// <summary>Finds and checks the prepared data sets that a manifest names.</summary>
internal static class DataCatalog
{
    /// <summary>Opens every data set, compares every file's hash, and looks into what cannot be trusted by its hash alone.</summary>
    /// <returns>The data sets by name.</returns>
    /// <exception cref="InvalidInputException">Everything that is missing or wrong.</exception>
    public static IReadOnlyDictionary<string, PreparedData> Open(Manifest manifest, string root, CancellationToken cancellationToken)
    {
        var data = new Dictionary<string, PreparedData>(StringComparer.Ordinal);
        var errors = new List<InputError>();
        var requirements = manifest.Runs
            .SelectMany(run => DataRequirement.Of(run).Select(requirement => (Run: run, Requirement: requirement)))
            .GroupBy(need => (need.Requirement.Name, need.Requirement.Kind));
        foreach (var needs in requirements)
        {
            var (run, requirement) = needs.First();
            var directory = Path.GetFullPath(Path.Combine(root, requirement.Name));
            if (!Artifact.Exists(directory))
            {
                errors.Add(manifest.ErrorAt(
                    run, requirement.Field, $"'{requirement.Name}', which is not at {directory}", $"a prepared {requirement.Kind} (`vp prepare` makes some)"));
                continue;
            }

            try
            {
                var artifact = Artifact.Open(directory, requirement.Kind);
                artifact.Verify(cancellationToken);
                var count = DataContent.Check(manifest, [.. needs.Select(need => need.Run)], artifact, cancellationToken);
                data[requirement.Name] = new PreparedData(new DataSet(directory, artifact.Digest), count);
            }
            catch (InvalidInputException e)
            {
                errors.AddRange(e.Errors);
            }
        }

        return errors.Count == 0 ? data : throw new InvalidInputException(errors);
    }
}
