namespace VisualPriors.Api.Plans;

/// <summary>Where stages' artifacts and checkpoints go: each below one root, named by its stage digest.</summary>
/// <param name="Artifacts">Folder, or address in an object store, that artifacts appear below.</param>
/// <param name="Checkpoints">Address in an object store that checkpoints go below.</param>
public sealed record StagePlaces(string Artifacts, string Checkpoints)
{
    /// <summary>Artifacts in <c>stages/</c> of a folder; checkpoints beside them, or below an address.</summary>
    public static StagePlaces InFolder(string outputDirectory, string? checkpoints = null)
    {
        var root = Path.GetFullPath(outputDirectory);
        return new StagePlaces(Path.Combine(root, "stages"), checkpoints ?? new Uri(Path.Combine(root, "checkpoints")).AbsoluteUri);
    }

    /// <summary>Both below one address in an object store: <c>stages/</c> and <c>checkpoints/</c>.</summary>
    public static StagePlaces InStore(string address) => new(Below(address, "stages"), Below(address, "checkpoints"));

    /// <summary>Address of the prepared data sets of an object store.</summary>
    public static string DataOf(string address) => Below(address, "data");

    /// <summary>Place of a stage's artifact.</summary>
    public string ArtifactOf(string digest) => Below(Artifacts, digest);

    /// <summary>Place of a stage's checkpoints.</summary>
    public string CheckpointsOf(string digest) => Below(Checkpoints, digest);

    private static string Below(string root, string name) => $"{root.TrimEnd('/')}/{name}";
}
