using k8s;

namespace VisualPriors.Operator.Runs;

/// <summary>Compares statuses as the server would see them: records with lists in them are equal only by reference.</summary>
internal static class StatusComparison
{
    /// <summary>Whether two statuses say the same.</summary>
    public static bool Same<TStatus>(TStatus one, TStatus other) => KubernetesJson.Serialize(one) == KubernetesJson.Serialize(other);
}
