using System.Globalization;
using Prometheus;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Metrics;

/// <summary>What Prometheus is told of runs. No series is labelled by a run's name: their number would grow without end.</summary>
internal static class OperatorMetrics
{
    private static readonly Gauge Runs = Prometheus.Metrics.CreateGauge("visualpriors_runs", "Runs by kind and phase.", "kind", "phase");

    private static readonly Histogram GangStart = Prometheus.Metrics.CreateHistogram(
        "visualpriors_gang_start_seconds",
        "From an attempt's first pod being made until all its pods run.",
        new HistogramConfiguration { LabelNames = ["kind"], Buckets = Histogram.ExponentialBuckets(0.5, 2, 12) });

    private static readonly Counter Restarts = Prometheus.Metrics.CreateCounter(
        "visualpriors_run_restarts_total", "Attempts that failed and are followed by another, by the reason of the failure.", "kind", "reason");

    private static readonly Counter Reports = Prometheus.Metrics.CreateCounter(
        "visualpriors_progress_reports_total", "Progress reports received, by the HTTP status they were answered with.", "result");

    /// <summary>Counts runs anew for every scrape.</summary>
    public static void Observe(RunCatalog catalog) => Prometheus.Metrics.DefaultRegistry.AddBeforeCollectCallback(() =>
    {
        var counts = catalog.All().CountBy(run => (RunKey.KindOf(run), run.Status?.Phase ?? RunPhase.Pending)).ToDictionary();
        foreach (var kind in RunKey.Kinds)
        {
            foreach (var phase in Enum.GetValues<RunPhase>())
            {
                Runs.WithLabels(kind, phase.ToString()).Set(counts.GetValueOrDefault((kind, phase)));
            }
        }
    });

    /// <summary>Takes what a decision tells of starts and restarts.</summary>
    public static void OnDecision(RunObservation before, RunDecision decision)
    {
        if (decision.Status.Restarts > (before.Status.Restarts ?? 0))
        {
            Restarts.WithLabels(before.Key.Kind, decision.Status.Failure?.Reason ?? "").Inc();
        }

        if (!Conditions.IsTrue(before.Status.Conditions, ConditionTypes.Running) && Conditions.IsTrue(decision.Status.Conditions, ConditionTypes.Running)
            && before.Pods.Where(pod => PodState.Attempt(pod) == before.Attempt).Min(pod => pod.Metadata.CreationTimestamp) is { } made)
        {
            GangStart.WithLabels(before.Key.Kind).Observe((before.Now - new DateTimeOffset(made, TimeSpan.Zero)).TotalSeconds);
        }
    }

    /// <summary>Counts a report.</summary>
    public static void OnReport(int status) => Reports.WithLabels(status.ToString(CultureInfo.InvariantCulture)).Inc();
}
