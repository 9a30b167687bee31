using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Storage;

/// <summary>
/// Writes an artifact so that it appears whole or not at all: files go to a staging folder beside the final one, the manifest is
/// written last, one rename publishes it. Disposing without <see cref="Commit"/> removes the staging folder.
/// </summary>
/// <remarks>
/// A lock file beside the final folder, locked through the operating system, keeps a second writer away and tells a living writer
/// from a dead one: whoever gets the lock may clear up what lies there.
/// </remarks>
public sealed class ArtifactWriter : IDisposable
{
    private const string StagingSuffix = ".partial";
    private const string ReplacedSuffix = ".replaced";
    private readonly string _finalDirectory;
    private readonly ArtifactLock _lock;

    /// <summary>Begins an artifact that is to appear at <paramref name="finalDirectory"/>; clears up what a killed writer left there.</summary>
    /// <exception cref="InvalidInputException">
    /// Another process is writing the same artifact, or something lies there that is no artifact and so is not ours to replace.
    /// </exception>
    public ArtifactWriter(string finalDirectory)
    {
        _finalDirectory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(finalDirectory));
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(_finalDirectory)!);
        _lock = ArtifactLock.TryTake(_finalDirectory)
            ?? throw new InvalidInputException(finalDirectory, null, "another process that writes this artifact now", "one writer at a time");
        try
        {
            ClearUp(_finalDirectory);
            if (Path.Exists(_finalDirectory) && !Artifact.Exists(_finalDirectory))
            {
                throw new InvalidInputException(finalDirectory, null, "a file or folder that is no artifact", "an artifact to replace, or nothing");
            }

            Directory = _finalDirectory + StagingSuffix;
            System.IO.Directory.CreateDirectory(Directory);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>The staging folder: write files here.</summary>
    public string Directory { get; }

    /// <summary>Clears up what killed writers left below a folder of artifacts; living writers' work stays.</summary>
    public static void RemoveAbandoned(string parentDirectory)
    {
        if (!System.IO.Directory.Exists(parentDirectory))
        {
            return;
        }

        foreach (var lockFile in System.IO.Directory.GetFiles(parentDirectory, "*" + ArtifactLock.Suffix))
        {
            var artifact = lockFile[..^ArtifactLock.Suffix.Length];
            using var held = ArtifactLock.TryTake(artifact);
            if (held is not null)
            {
                ClearUp(artifact);
            }
        }
    }

    /// <summary>Path of a file to write; its folder is made.</summary>
    public string PathOf(string relative)
    {
        var path = Path.Combine(Directory, relative);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Hashes every file, writes the manifest, publishes the folder. An older artifact at the place is replaced.</summary>
    /// <param name="kind">What the artifact holds.</param>
    /// <param name="stageDigest">Digest of the stage that made it, if one did.</param>
    /// <param name="outcome">That stage's outcome.</param>
    /// <exception cref="IOException">The disk is full, a file cannot be read, or a symbolic link lies among the files.</exception>
    public Artifact Commit(string kind, string? stageDigest = null, StageOutcome? outcome = null)
    {
        var manifest = new ArtifactManifest
        {
            Version = ArtifactManifest.CurrentVersion,
            Kind = kind,
            Files = HashFiles(),
            StageDigest = stageDigest,
            Outcome = outcome,
        };
        return Publish(JsonSerializer.SerializeToUtf8Bytes(manifest, StorageJson.Default.ArtifactManifest));
    }

    /// <summary>Publishes the folder under a manifest that came with its files, which were hashed as they came.</summary>
    /// <param name="manifest">The manifest's very bytes: they are its digest.</param>
    /// <exception cref="IOException">The disk is full, or refuses.</exception>
    internal Artifact CommitFetched(byte[] manifest) => Publish(manifest);

    /// <summary>Removes the staging folder unless it was published, and lets others write here.</summary>
    public void Dispose()
    {
        if (!_lock.IsReleased)
        {
            ClearUp(_finalDirectory);
        }

        _lock.Dispose();
    }

    private Artifact Publish(byte[] manifest)
    {
        File.WriteAllBytes(PathOf(ArtifactManifest.FileName), manifest);

        // Between the two renames there is nothing at the place; whoever dies there leaves the older artifact for ClearUp to put back.
        if (System.IO.Directory.Exists(_finalDirectory))
        {
            System.IO.Directory.Move(_finalDirectory, _finalDirectory + ReplacedSuffix);
        }

        System.IO.Directory.Move(Directory, _finalDirectory);
        ClearUp(_finalDirectory);
        return Artifact.Open(_finalDirectory);
    }

    /// <summary>Brings an artifact's place in order, whatever a writer left behind. The lock must be held.</summary>
    private static void ClearUp(string finalDirectory)
    {
        var staging = finalDirectory + StagingSuffix;
        if (System.IO.Directory.Exists(staging))
        {
            System.IO.Directory.Delete(staging, recursive: true);
        }

        var replaced = finalDirectory + ReplacedSuffix;
        if (System.IO.Directory.Exists(replaced))
        {
            if (System.IO.Directory.Exists(finalDirectory))
            {
                System.IO.Directory.Delete(replaced, recursive: true);
            }
            else
            {
                System.IO.Directory.Move(replaced, finalDirectory);
            }
        }
    }

    private ArtifactFile[] HashFiles()
    {
        var entries = new DirectoryInfo(Directory).GetFileSystemInfos("*", SearchOption.AllDirectories);
        if (entries.FirstOrDefault(entry => entry.LinkTarget is not null) is { } link)
        {
            throw new IOException($"{link.FullName} is a symbolic link: an artifact holds its files itself");
        }

        var paths = entries.OfType<FileInfo>().Select(file => file.FullName).ToArray();
        var files = new ArtifactFile[paths.Length];
        try
        {
            Parallel.For(0, paths.Length, i =>
            {
                using var stream = File.OpenRead(paths[i]);
                var relative = Path.GetRelativePath(Directory, paths[i]).Replace('\\', '/');
                files[i] = new ArtifactFile(relative, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        Array.Sort(files, (a, b) => string.CompareOrdinal(a.Path, b.Path));
        return files;
    }
}
