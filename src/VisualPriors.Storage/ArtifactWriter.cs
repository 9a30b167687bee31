using System.Security.Cryptography;
using System.Text.Json;
using VisualPriors.Api.Plans;

namespace VisualPriors.Storage;

/// <summary>
/// Writes an artifact so that it appears whole or not at all: files go to a staging folder beside the final one, the manifest is
/// written last, one rename publishes it. Disposing without <see cref="Commit"/> removes the staging folder.
/// </summary>
public sealed class ArtifactWriter : IDisposable
{
    private const string StagingMarker = ".partial-";
    private readonly string _finalDirectory;
    private bool _committed;

    /// <summary>Begins an artifact that is to appear at <paramref name="finalDirectory"/>; removes what a killed writer left there.</summary>
    public ArtifactWriter(string finalDirectory)
    {
        _finalDirectory = Path.GetFullPath(finalDirectory);
        var parent = Path.GetDirectoryName(_finalDirectory)!;
        System.IO.Directory.CreateDirectory(parent);
        foreach (var stale in System.IO.Directory.EnumerateDirectories(parent, Path.GetFileName(_finalDirectory) + StagingMarker + "*"))
        {
            System.IO.Directory.Delete(stale, recursive: true);
        }

        Directory = _finalDirectory + StagingMarker + Environment.ProcessId;
        System.IO.Directory.CreateDirectory(Directory);
    }

    /// <summary>The staging folder: write files here.</summary>
    public string Directory { get; }

    /// <summary>Path of a file to write; its folder is made.</summary>
    public string PathOf(string relative)
    {
        var path = Path.Combine(Directory, relative);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Hashes every file, writes the manifest, publishes the folder. An older artifact at the place is replaced.</summary>
    public Artifact Commit(string kind, string? stageDigest = null, StageOutcome? outcome = null)
    {
        var paths = System.IO.Directory.GetFiles(Directory, "*", SearchOption.AllDirectories);
        var files = new ArtifactFile[paths.Length];
        Parallel.For(0, paths.Length, i =>
        {
            using var stream = File.OpenRead(paths[i]);
            var relative = Path.GetRelativePath(Directory, paths[i]).Replace('\\', '/');
            files[i] = new ArtifactFile(relative, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
        });
        Array.Sort(files, (a, b) => string.CompareOrdinal(a.Path, b.Path));
        var manifest = new ArtifactManifest
        {
            Version = ArtifactManifest.CurrentVersion,
            Kind = kind,
            Files = files,
            StageDigest = stageDigest,
            Outcome = outcome,
        };
        File.WriteAllBytes(PathOf(ArtifactManifest.FileName), JsonSerializer.SerializeToUtf8Bytes(manifest, StorageJson.Default.ArtifactManifest));
        if (System.IO.Directory.Exists(_finalDirectory))
        {
            System.IO.Directory.Delete(_finalDirectory, recursive: true);
        }

        System.IO.Directory.Move(Directory, _finalDirectory);
        _committed = true;
        return Artifact.Open(_finalDirectory);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_committed && System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
