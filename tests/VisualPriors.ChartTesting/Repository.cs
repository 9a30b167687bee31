namespace VisualPriors.ChartTesting;

/// <summary>Where things lie in the repository.</summary>
public static class Repository
{
    /// <summary>The repository's folder: the nearest one above the tests that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The chart.</summary>
    public static string Chart { get; } = Path.Combine(Root, "charts", "visualpriors");

    /// <summary>The Grafana dashboard.</summary>
    public static string Dashboard { get; } = Path.Combine(Root, "deploy", "grafana", "visualpriors.json");

    /// <summary>The folder of Prometheus' example configuration and alerts.</summary>
    public static string Prometheus { get; } = Path.Combine(Root, "deploy", "prometheus");

    /// <summary>The folder of a project of tests.</summary>
    public static string Tests(string project) => Path.Combine(Root, "tests", project);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "VisualPriors.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("VisualPriors.sln lies in no folder above the tests.");
        }

        return folder.FullName;
    }
}
