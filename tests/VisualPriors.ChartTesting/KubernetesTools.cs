using VisualPriors.KubernetesTesting;

namespace VisualPriors.ChartTesting;

/// <summary>helm and kubectl, which lie beside the servers' programs.</summary>
public static class KubernetesTools
{
    /// <summary>The program helm.</summary>
    public static string Helm { get; } = Find("helm");

    /// <summary>The program kubectl.</summary>
    public static string Kubectl { get; } = Find("kubectl");

    private static string Find(string program)
    {
        var path = Path.Combine(Path.GetDirectoryName(KubernetesBinaries.ApiServer)!, program);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is missing: deploy/test-cluster/build-kubernetes.sh puts it there.", path);
    }
}
