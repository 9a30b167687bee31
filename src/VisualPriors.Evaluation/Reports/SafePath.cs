namespace VisualPriors.Evaluation.Reports;

/// <summary>Paths that files give are followed only where they stay in the folder that they belong to.</summary>
internal static class SafePath
{
    /// <summary>The full path of something below a folder; null when the path leads out of it.</summary>
    public static string? Below(string directory, string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        var root = Path.GetFullPath(directory).TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        var full = Path.GetFullPath(Path.Combine(root, path));
        return full.StartsWith(root, StringComparison.Ordinal) ? full : null;
    }
}
