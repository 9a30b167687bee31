using System.Text.Json;
using VisualPriors.Api.Errors;

namespace VisualPriors.Storage;

/// <summary>Reads manifests that anybody may have written: nothing in them is believed before it was checked.</summary>
internal static class ArtifactManifestReader
{
    /// <summary>Largest manifest read: some hundred thousand files.</summary>
    public const int MaximumBytes = 64 << 20;

    /// <summary>Reads a manifest's bytes.</summary>
    /// <param name="path">Where it lies, for errors.</param>
    /// <param name="bytes">The content.</param>
    /// <exception cref="InvalidInputException">It is no manifest, or of another version.</exception>
    public static ArtifactManifest Read(string path, byte[] bytes)
    {
        ArtifactManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(bytes, StorageJson.Default.ArtifactManifest)
                ?? throw new InvalidInputException(path, null, "null", "an artifact manifest");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "an artifact manifest", (int?)(e.LineNumber + 1));
        }

        return manifest.Version == ArtifactManifest.CurrentVersion
            ? manifest
            : throw new InvalidInputException(path, "version", $"{manifest.Version}", $"{ArtifactManifest.CurrentVersion}");
    }

    /// <summary>What is wrong with a file's path; null when it stays in the artifact by its spelling alone and was not seen before.</summary>
    /// <param name="path">Where the manifest lies, for errors.</param>
    /// <param name="file">The file's entry.</param>
    /// <param name="seen">Paths of the entries before it; this one joins them.</param>
    public static InputError? CheckPath(string path, ArtifactFile file, HashSet<string> seen) =>
        IsInside(file.Path) && seen.Add(file.Path)
            ? null
            : new InputError(path, "files", $"'{file.Path}'", "relative paths inside the artifact, each once");

    private static bool IsInside(string path) =>
        path.Length > 0 && path != ArtifactManifest.FileName && !path.Contains('\\') && !path.Contains('\0')
        && path.Split('/').All(segment => segment is not ("" or "." or ".."));
}
