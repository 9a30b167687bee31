using System.Text;

namespace VisualPriors.Data.Text.Sources;

/// <summary>Hand-written JavaScript and TypeScript: the folders of npm packages that hold sources rather than build results.</summary>
internal static class SourceCode
{
    private const long MaximumFileBytes = 100_000;

    /// <summary>A file with a longer line holds data or was minified.</summary>
    private const int MaximumLineLength = 500;

    private static readonly (string Package, string Folder)[] Folders = [("eslint", "lib"), ("rxjs", "src"), ("three", "src")];

    /// <summary>The npm packages.</summary>
    public static IEnumerable<string> Packages => Folders.Select(folder => folder.Package);

    /// <summary>One document a file, in the order of their paths.</summary>
    public static IEnumerable<string> Read(string nodeModules)
    {
        return from folder in Folders
               let root = Path.Combine(TextSources.PackageFolder(nodeModules, folder.Package), folder.Folder)
               where Directory.Exists(root)
               from path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
               where path.EndsWith(".js", StringComparison.Ordinal) || path.EndsWith(".ts", StringComparison.Ordinal)
               where !path.EndsWith(".d.ts", StringComparison.Ordinal) && new FileInfo(path).Length <= MaximumFileBytes
               let text = File.ReadAllText(path, Encoding.UTF8)
               where IsHandWritten(text)
               select text;
    }

    /// <summary>Whether a file's content looks written by people: valid UTF-8, lines of a readable length, no generator's mark.</summary>
    public static bool IsHandWritten(string text)
    {
        if (text.Contains('\uFFFD')
            || text.Contains("@generated", StringComparison.Ordinal)
            || text.Contains("DO NOT EDIT", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.Length > MaximumLineLength)
            {
                return false;
            }
        }

        return true;
    }
}
