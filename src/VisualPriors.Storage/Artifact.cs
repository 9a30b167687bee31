using System.Security.Cryptography;
using System.Text.Json;
using VisualPriors.Api.Errors;

namespace VisualPriors.Storage;

/// <summary>A finished, immutable folder: prepared data or what a stage gave.</summary>
public sealed class Artifact
{
    private Artifact(string directory, ArtifactManifest manifest, string digest)
    {
        Directory = directory;
        Manifest = manifest;
        Digest = digest;
    }

    /// <summary>Its folder.</summary>
    public string Directory { get; }

    /// <summary>What it consists of.</summary>
    public ArtifactManifest Manifest { get; }

    /// <summary>Content digest: SHA-256 of the manifest, which holds the hash of every file.</summary>
    public string Digest { get; }

    /// <summary>Whether a finished artifact lies at a folder.</summary>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, ArtifactManifest.FileName));

    /// <summary>Opens an artifact and checks that every file is there with its size. <see cref="Verify"/> reads them.</summary>
    /// <exception cref="InvalidInputException">There is none, or it is of another kind, or damaged.</exception>
    public static Artifact Open(string directory, params ReadOnlySpan<string> expectedKinds)
    {
        var path = Path.Combine(directory, ArtifactManifest.FileName);
        if (!File.Exists(path))
        {
            throw new InvalidInputException(directory, null, "no artifact (no artifact.json)", "a finished artifact");
        }

        var bytes = File.ReadAllBytes(path);
        var manifest = Parse(path, bytes);
        if (expectedKinds.Length > 0 && !expectedKinds.Contains(manifest.Kind))
        {
            throw new InvalidInputException(path, "kind", manifest.Kind, string.Join(" or ", expectedKinds.ToArray()));
        }

        var root = Path.GetFullPath(directory) + Path.DirectorySeparatorChar;
        foreach (var file in manifest.Files)
        {
            var filePath = Path.GetFullPath(Path.Combine(directory, file.Path));
            if (!filePath.StartsWith(root, StringComparison.Ordinal))
            {
                throw new InvalidInputException(path, "files", file.Path, "a path inside the artifact");
            }

            var info = new FileInfo(filePath);
            if (!info.Exists)
            {
                throw new InvalidInputException(filePath, null, "no such file", $"{file.Bytes} bytes, as {ArtifactManifest.FileName} says");
            }

            if (info.Length != file.Bytes)
            {
                throw new InvalidInputException(filePath, null, $"{info.Length} bytes", $"{file.Bytes} bytes, as {ArtifactManifest.FileName} says");
            }
        }

        return new Artifact(directory, manifest, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>Path of a file in it.</summary>
    public string PathOf(string relative) => Path.Combine(Directory, relative);

    /// <summary>Reads every file and compares its hash.</summary>
    /// <exception cref="InvalidInputException">A file's content is not what the manifest says.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        Parallel.ForEach(Manifest.Files, new ParallelOptions { CancellationToken = cancellationToken }, file =>
        {
            using var stream = File.OpenRead(PathOf(file.Path));
            var actual = Convert.ToHexStringLower(SHA256.HashData(stream));
            if (actual != file.Sha256)
            {
                throw new InvalidInputException(PathOf(file.Path), null, $"SHA-256 {actual}", $"{file.Sha256}, as {ArtifactManifest.FileName} says");
            }
        });
    }

    private static ArtifactManifest Parse(string path, byte[] bytes)
    {
        ArtifactManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(bytes, StorageJson.Default.ArtifactManifest);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "an artifact manifest", (int?)(e.LineNumber + 1));
        }

        if (manifest is null || manifest.Version != ArtifactManifest.CurrentVersion)
        {
            throw new InvalidInputException(path, "version", $"{manifest?.Version.ToString() ?? "null"}", $"{ArtifactManifest.CurrentVersion}");
        }

        return manifest;
    }
}
