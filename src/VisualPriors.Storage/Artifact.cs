using System.Collections.Concurrent;
using System.Security.Cryptography;
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
        var bytes = ReadManifest(directory, path);
        var manifest = ArtifactManifestReader.Read(path, bytes);
        if (expectedKinds.Length > 0 && !expectedKinds.Contains(manifest.Kind))
        {
            throw new InvalidInputException(path, "kind", manifest.Kind, string.Join(" or ", expectedKinds.ToArray()));
        }

        var errors = new List<InputError>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var foldersChecked = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
        {
            if ((ArtifactManifestReader.CheckPath(path, file, seen) ?? Check(directory, file, foldersChecked)) is { } error)
            {
                errors.Add(error);
            }
        }

        return errors.Count == 0
            ? new Artifact(directory, manifest, Convert.ToHexStringLower(SHA256.HashData(bytes)))
            : throw new InvalidInputException(errors);
    }

    /// <summary>Path of a file in it.</summary>
    public string PathOf(string relative) => Path.Combine(Directory, relative);

    /// <summary>The manifest's very bytes.</summary>
    /// <exception cref="InvalidInputException">It is not the one that was opened any more.</exception>
    internal byte[] ReadManifest()
    {
        var path = PathOf(ArtifactManifest.FileName);
        var bytes = ReadManifest(Directory, path);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) is var actual && actual == Digest
            ? bytes
            : throw new InvalidInputException(path, null, $"SHA-256 {actual}", $"{Digest}, as it was opened");
    }

    /// <summary>Reads every file and compares its hash.</summary>
    /// <exception cref="InvalidInputException">Every file whose content is not what the manifest says.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        var errors = new ConcurrentBag<InputError>();
        Parallel.ForEach(Manifest.Files, new ParallelOptions { CancellationToken = cancellationToken }, file =>
        {
            var path = PathOf(file.Path);
            var expected = $"{file.Sha256}, as {ArtifactManifest.FileName} says";
            try
            {
                using var stream = File.OpenRead(path);
                var actual = Convert.ToHexStringLower(SHA256.HashData(stream));
                if (actual != file.Sha256)
                {
                    errors.Add(new InputError(path, null, $"SHA-256 {actual}", expected));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                errors.Add(new InputError(path, null, e.Message, $"SHA-256 {expected}"));
            }
        });
        if (!errors.IsEmpty)
        {
            throw new InvalidInputException([.. errors.OrderBy(error => error.File, StringComparer.Ordinal)]);
        }
    }

    private static byte[] ReadManifest(string directory, string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > ArtifactManifestReader.MaximumBytes)
            {
                throw new InvalidInputException(path, null, $"{stream.Length} bytes", $"at most {ArtifactManifestReader.MaximumBytes} bytes");
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException(directory, null, $"no artifact (no {ArtifactManifest.FileName})", "a finished artifact");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e.Message, "an artifact manifest");
        }
    }

    private static InputError? Check(string directory, ArtifactFile file, HashSet<string> foldersChecked)
    {
        var info = new FileInfo(Path.Combine(directory, file.Path));
        // A link may point anywhere: neither a file nor a folder on the way to it may be one.
        for (var folder = Path.GetDirectoryName(file.Path); !string.IsNullOrEmpty(folder) && foldersChecked.Add(folder); folder = Path.GetDirectoryName(folder))
        {
            if (new DirectoryInfo(Path.Combine(directory, folder)).LinkTarget is not null)
            {
                return new InputError(Path.Combine(directory, folder), null, "a symbolic link", "a folder of the artifact itself");
            }
        }

        var expected = $"{file.Bytes} bytes, as {ArtifactManifest.FileName} says";
        return info.LinkTarget is not null ? new InputError(info.FullName, null, "a symbolic link", expected)
            : !info.Exists ? new InputError(info.FullName, null, "no such file", expected)
            : info.Length != file.Bytes ? new InputError(info.FullName, null, $"{info.Length} bytes", expected)
            : null;
    }
}
