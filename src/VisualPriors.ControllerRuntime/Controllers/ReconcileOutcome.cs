using System.Net;
using k8s.Autorest;

namespace VisualPriors.ControllerRuntime;

/// <summary>How a reconcile ended, as metrics name it.</summary>
internal enum ReconcileKind
{
    Success,
    Failure,
    Conflict,
    Terminal,
}

/// <summary>What follows from a reconcile.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="RequeueAfter">Look again after this.</param>
/// <param name="BackOff">Look again by back-off.</param>
/// <param name="BackOffCeiling">Back-off no longer than this.</param>
internal readonly record struct ReconcileOutcome(ReconcileKind Kind, TimeSpan? RequeueAfter = null, bool BackOff = false, TimeSpan? BackOffCeiling = null)
{
    /// <summary>A conflict means that the cache was behind, or another writer quicker: soon it is not. INFERRED.</summary>
    public static readonly TimeSpan ConflictCeiling = TimeSpan.FromSeconds(1);

    /// <summary>Of a reconcile that returned.</summary>
    public static ReconcileOutcome Of(bool isSuccess, Exception? error, TimeSpan? requeueAfter) => (isSuccess, error, requeueAfter) switch
    {
        (true, _, _) => new(ReconcileKind.Success, requeueAfter),
        (_, TerminalException, _) => new(ReconcileKind.Terminal),
        (_, _, { } after) => new(KindOf(error), after),
        (_, null, _) => new(ReconcileKind.Failure, BackOff: true),
        _ => Of(error),
    };

    /// <summary>Of a reconcile that threw.</summary>
    public static ReconcileOutcome Of(Exception error) => KindOf(error) switch
    {
        ReconcileKind.Terminal => new(ReconcileKind.Terminal),
        ReconcileKind.Conflict => new(ReconcileKind.Conflict, BackOff: true, BackOffCeiling: ConflictCeiling),
        var kind => new(kind, BackOff: true),
    };

    private static ReconcileKind KindOf(Exception? error) => error switch
    {
        TerminalException => ReconcileKind.Terminal,
        KubernetesApiException { IsConflict: true } or HttpOperationException { Response.StatusCode: HttpStatusCode.Conflict } => ReconcileKind.Conflict,
        _ => ReconcileKind.Failure,
    };
}
