using VisualPriors.Api.Plans;

namespace VisualPriors.Operator.Progress;

/// <summary>How often a run may report.</summary>
internal static class ReportRate
{
    /// <summary>
    /// Whether a report is taken: half an interval after the last one, or at once when it is the first that says that all steps are done. A pod
    /// that says so is about to end, and a finished run would show an earlier step for good.
    /// </summary>
    /// <param name="report">What the trainer says.</param>
    /// <param name="before">The last report that was taken, and when; null for the first.</param>
    /// <param name="now">Now.</param>
    /// <param name="interval">Time between two writes of a status.</param>
    public static bool Allows(ProgressReport report, (ProgressReport Report, DateTimeOffset Time)? before, DateTimeOffset now, TimeSpan interval) =>
        before is not var (last, time)
        || now - time >= interval / 2
        || (report.Step == report.TotalSteps && report.Step > last.Step);
}
