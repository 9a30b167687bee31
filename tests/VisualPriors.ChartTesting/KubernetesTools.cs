namespace VisualPriors.ChartTesting;

/// <summary>helm and kubectl, from where <c>deploy/test-cluster/build-kubernetes.sh</c> puts them.</summary>
public static class KubernetesTools
{
    /// <summary>The program helm.</summary>
    public static string Helm => Find("helm");

    /// <summary>The program kubectl.</summary>
    public static string Kubectl => Find("kubectl");

    private static string Find(string program)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set : Path.Combine(home, ".cache");
        var folder = Environment.GetEnvironmentVariable("VP_KUBERNETES_BIN") is { Length: > 0 } named
            ? named
            : Path.Combine(cache, "visualpriors", "kubernetes-1.20.2", "bin");
        var path = Path.Combine(folder, program);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is missing: run deploy/test-cluster/build-kubernetes.sh, or name its folder in VP_KUBERNETES_BIN.");
    }
}
