using System.Security.Cryptography;
using System.Text;

namespace VisualPriors.Storage;

/// <summary>
/// In which objects an artifact's files lie: large files one object each, small ones many to an object, one after another. A set of images is
/// tens of thousands of files of a few kilobytes: a request for each would take minutes where their bytes take a second. The manifest alone
/// decides it, so nothing else has to be stored or believed. The two sizes are part of the format.
/// </summary>
internal static class ArtifactLayout
{
    /// <summary>What the names of all objects begin with.</summary>
    public const string Prefix = "files/";

    /// <summary>Ends the name of an object of several files.</summary>
    public const string PackSuffix = ".pack";

    /// <summary>Files of this size and above lie in an object of their own. INFERRED: to transfer as much takes as long as a request's round trip.</summary>
    public const int LargeFileBytes = 1 << 20;

    /// <summary>Largest object of several files. INFERRED: round trips no longer count, and the few that are held in memory to be sent take little.</summary>
    public const int PackBytes = 16 << 20;

    /// <summary>The objects that hold every content of a manifest that was checked, each content once.</summary>
    public static IReadOnlyList<ArtifactObject> Of(ArtifactManifest manifest)
    {
        var objects = new List<ArtifactObject>();
        var pack = new List<ArtifactFile>();
        long packed = 0;
        foreach (var file in manifest.Files.DistinctBy(file => file.Sha256))
        {
            if (file.Bytes >= LargeFileBytes)
            {
                objects.Add(Holding([file]));
                continue;
            }

            if (packed + file.Bytes > PackBytes)
            {
                objects.Add(Holding(pack));
                (pack, packed) = ([], 0);
            }

            pack.Add(file);
            packed += file.Bytes;
        }

        if (pack.Count > 0)
        {
            objects.Add(Holding(pack));
        }

        return objects;
    }

    /// <summary>Named by its content: a single file's hash, or the hash of its files' hashes.</summary>
    private static ArtifactObject Holding(IReadOnlyList<ArtifactFile> files) => new(
        Prefix + (files is [var single] ? single.Sha256 : Digest(files) + PackSuffix),
        files.Sum(file => file.Bytes),
        files);

    private static string Digest(IReadOnlyList<ArtifactFile> files) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(files.Select(file => file.Sha256)))));
}

/// <summary>An object of an artifact.</summary>
/// <param name="Name">Its name in the store.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Files">What lies in it, in this order, without gaps.</param>
internal sealed record ArtifactObject(string Name, long Bytes, IReadOnlyList<ArtifactFile> Files);
