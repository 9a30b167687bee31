using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace VisualPriors.Architecture.Tests;

/// <summary>A project file: what it references.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Its path, relative to the repository.</param>
/// <param name="Projects">Projects that it references, by name.</param>
/// <param name="Packages">Packages that it references.</param>
internal sealed record Project(string Name, string Path, IReadOnlySet<string> Projects, IReadOnlySet<string> Packages);

/// <summary>The repository as its project and solution files describe it.</summary>
internal static partial class SolutionFiles
{
    /// <summary>The repository's folder: the nearest one above the tests that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every project below src, by name.</summary>
    public static IReadOnlyDictionary<string, Project> Sources { get; } = Read("src");

    /// <summary>Every project below tests, by name.</summary>
    public static IReadOnlyDictionary<string, Project> Tests { get; } = Read("tests");

    /// <summary>Paths of the projects in the solution, with forward slashes.</summary>
    public static IReadOnlySet<string> InSolution { get; } =
        SolutionProject().Matches(File.ReadAllText(Path.Combine(Root, "VisualPriors.sln"))).Select(match => match.Groups[1].Value.Replace('\\', '/')).ToHashSet();

    /// <summary>Everything that a project reaches through project references.</summary>
    public static IReadOnlySet<string> Reachable(string project)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>(Sources[project].Projects);
        while (open.TryDequeue(out var next))
        {
            if (reached.Add(next))
            {
                foreach (var further in Sources[next].Projects)
                {
                    open.Enqueue(further);
                }
            }
        }

        return reached;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "VisualPriors.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("VisualPriors.sln lies in no folder above the tests.");
        }

        return folder.FullName;
    }

    private static Dictionary<string, Project> Read(string folder) =>
        Directory.GetFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories).Select(path =>
        {
            var xml = XDocument.Load(path);
            HashSet<string> Includes(string element) => xml.Descendants(element).Select(item => (string)item.Attribute("Include")!).ToHashSet();
            return new Project(
                Path.GetFileNameWithoutExtension(path),
                Path.GetRelativePath(Root, path).Replace('\\', '/'),
                Includes("ProjectReference").Select(include => Path.GetFileNameWithoutExtension(include.Replace('\\', '/'))).ToHashSet(),
                Includes("PackageReference"));
        }).ToDictionary(project => project.Name);

    [GeneratedRegex(@"""([^""]+\.csproj)""")]
    private static partial Regex SolutionProject();
}
