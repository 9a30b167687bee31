namespace VisualPriors.Storage;

/// <summary>The right to write at an artifact's place: a file beside it, locked by the operating system until its holder lets go or dies.</summary>
internal sealed class ArtifactLock : IDisposable
{
    /// <summary>What the lock file's name has behind the artifact's.</summary>
    public const string Suffix = ".lock";

    private readonly FileStream _stream;

    private ArtifactLock(FileStream stream)
    {
        _stream = stream;
    }

    /// <summary>Whether it was let go.</summary>
    public bool IsReleased { get; private set; }

    /// <summary>Takes the lock of the artifact at a path; null when another holds it, in this process or another.</summary>
    public static ArtifactLock? TryTake(string artifactPath)
    {
        var path = artifactPath + Suffix;
        while (true)
        {
            FileStream stream;
            try
            {
                // FileShare.None is an exclusive flock on Unix: gone with its process, however that ends.
                stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }

            if (!IsDeleted(stream))
            {
                return new ArtifactLock(stream);
            }

            // Its last holder removed the file between our opening and locking it: others lock a new file by now.
            stream.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!IsReleased)
        {
            IsReleased = true;
            File.Delete(_stream.Name);
            _stream.Dispose();
        }
    }

    private static bool IsDeleted(FileStream stream) =>
        new FileInfo($"/proc/self/fd/{stream.SafeFileHandle.DangerousGetHandle()}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) == true;
}
