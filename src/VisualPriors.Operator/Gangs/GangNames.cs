using System.Security.Cryptography;
using System.Text;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Gangs;

/// <summary>Names and labels of what the operator makes for a run. Deterministic: making the same thing twice meets the first one.</summary>
internal static class GangNames
{
    /// <summary>Longest name of a pod, as its host name, and of a Service.</summary>
    private const int MaximumLength = 63;

    /// <summary>Label on everything that the operator makes, and its value.</summary>
    public const string ManagedBy = "app.kubernetes.io/managed-by";

    /// <summary>Value of <see cref="ManagedBy"/>.</summary>
    public const string Operator = "visualpriors";

    /// <summary>Label that says what a pod does.</summary>
    public const string Component = "app.kubernetes.io/component";

    /// <summary>Value of <see cref="Component"/>.</summary>
    public const string Trainer = "trainer";

    /// <summary>Label: the run's name.</summary>
    public const string Run = "visualpriors.dev/run";

    /// <summary>Label: the run's kind.</summary>
    public const string Kind = "visualpriors.dev/kind";

    /// <summary>Label: the attempt's number.</summary>
    public const string Attempt = "visualpriors.dev/attempt";

    /// <summary>Label: the pod's place among the attempt's pods.</summary>
    public const string NodeRank = "visualpriors.dev/node-rank";

    /// <summary>Selects every trainer pod.</summary>
    public const string PodSelector = $"{ManagedBy}={Operator},{Component}={Trainer}";

    /// <summary>A pod: <c>pretrain-NAME-ATTEMPT-RANK</c>.</summary>
    public static string Pod(RunKey run, int attempt, int nodeRank) => Bounded($"{Prefix(run)}-{run.Name}", $"-{attempt}-{nodeRank}");

    /// <summary>
    /// The headless Service, the plan's ConfigMap, an attempt's Secret. The run's uid is part of them: the operator may create but not read
    /// them, so it could not tell another's (a deleted run's of the same name) from its own.
    /// </summary>
    public static string Owned(RunKey run, string uid, string suffix = "") => Bounded($"{Prefix(run)}-{run.Name}", $"-{Hash(uid)}{suffix}");

    /// <summary>Short hash for names.</summary>
    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];

    private static string Prefix(RunKey run) => run.Kind[..^"Run".Length].ToLowerInvariant();

    /// <summary>What is too long is cut, and told apart by a hash of all of it.</summary>
    private static string Bounded(string name, string suffix)
    {
        // A run's name may have dots; host names and Services may not.
        var label = name.Replace('.', '-');
        return label.Length + suffix.Length <= MaximumLength && label == name
            ? label + suffix
            : $"{label[..Math.Min(label.Length, MaximumLength - suffix.Length - 9)]}-{Hash(name)}{suffix}";
    }
}
