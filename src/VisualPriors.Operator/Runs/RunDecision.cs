using k8s;
using k8s.Models;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Runs;

/// <summary>What is to be said of a run, and then done: the status is written before anything else happens, so that a crash in between is seen.</summary>
/// <param name="Status">The status as it should be.</param>
internal sealed record RunDecision(RunStatus Status)
{
    /// <summary>What to do after the status is written, in order. All of it may be done twice.</summary>
    public IReadOnlyList<RunAction> Actions { get; init; } = [];

    /// <summary>What to tell, once, after the status is written.</summary>
    public IReadOnlyList<RunEvent> Events { get; init; } = [];

    /// <summary>When to look again if nothing changes before; null waits for a change.</summary>
    public TimeSpan? RequeueAfter { get; init; }
}

/// <summary>Something to do for a run.</summary>
internal abstract record RunAction;

/// <summary>Make what is missing of an attempt's gang: plan, secret, Service and pods.</summary>
/// <param name="Attempt">The attempt.</param>
internal sealed record CreateGang(int Attempt) : RunAction;

/// <summary>Delete pods.</summary>
/// <param name="Names">Which.</param>
/// <param name="IsForced">At once, without waiting for their node: it does not answer.</param>
internal sealed record DeletePods(IReadOnlyList<string> Names, bool IsForced = false) : RunAction;

/// <summary>Delete the run itself; what it owns goes with it.</summary>
internal sealed record DeleteRun : RunAction;

/// <summary>Something that happened, for <c>kubectl describe</c>.</summary>
/// <param name="Reason">One word.</param>
/// <param name="Message">One sentence.</param>
/// <param name="IsWarning">It went wrong, or needs a person.</param>
internal sealed record RunEvent(string Reason, string Message, bool IsWarning = false)
{
    /// <summary>Tells it of an object.</summary>
    public void Record(EventRecorder recorder, IKubernetesObject<V1ObjectMeta> entity)
    {
        if (IsWarning)
        {
            recorder.Warning(entity, Reason, Message);
        }
        else
        {
            recorder.Normal(entity, Reason, Message);
        }
    }
}
