using k8s.Models;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Operator.Progress;

/// <summary>Which run a pod may report for: its own, in its attempt, while that is the run's current one, and as its first node.</summary>
internal static class ReportAdmission
{
    /// <summary>The run and attempt; or why not.</summary>
    /// <param name="identity">Whose token it was.</param>
    /// <param name="pod">The pod of that name, as cached; null where there is none.</param>
    /// <param name="find">Looks a run up.</param>
    public static (RunEntity Run, int Attempt)? Admit(PodIdentity identity, V1Pod? pod, Func<RunKey, RunEntity?> find)
    {
        if (pod is null || pod.Metadata.Uid != identity.Uid || PodState.NodeRank(pod) != 0
            || pod.Metadata.Labels?.TryGetValue(GangNames.Kind, out var kind) != true
            || pod.Metadata.Labels.TryGetValue(GangNames.Run, out var name) != true)
        {
            return null;
        }

        var key = new RunKey(kind!, identity.Namespace, name!);
        var attempt = PodState.Attempt(pod);

        // Labels are what whoever made the pod wrote; that it is ours shows by its owner and its name.
        return find(key) is { } run
            && PodIndex.ControllerOf(pod) == run.Metadata.Uid
            && identity.Name == GangNames.Pod(key, attempt, nodeRank: 0)
            && run.Status?.Attempt == attempt
                ? (run, attempt)
                : null;
    }
}
