namespace VisualPriors.KubernetesTesting;

/// <summary>Where the servers' programs lie.</summary>
public static class KubernetesBinaries
{
    /// <summary>kube-apiserver, from <c>VP_KUBERNETES_BIN</c> or the cache that the test cluster's build fills.</summary>
    public static string ApiServer => Existing(Path.Combine(Folder, "kube-apiserver"), "build it with deploy/test-cluster/build-kubernetes.sh, or set VP_KUBERNETES_BIN");

    /// <summary>etcd, from Debian's package etcd-server.</summary>
    public static string Etcd => Existing("/usr/bin/etcd", "install the package etcd-server");

    private static string Folder =>
        Environment.GetEnvironmentVariable("VP_KUBERNETES_BIN") is { Length: > 0 } chosen
            ? chosen
            : Path.Combine(CacheHome, "visualpriors", "kubernetes-1.20.2", "bin");

    private static string CacheHome =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    private static string Existing(string path, string remedy) =>
        File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: {remedy}", path);
}
