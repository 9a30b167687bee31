using Prometheus;

namespace VisualPriors.ControllerRuntime;

/// <summary>What controllers tell Prometheus, in prometheus-net's default registry. Labels are kinds and controllers, never objects.</summary>
public static class ControllerMetrics
{
    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    internal static Counter Reconciles { get; } = Metrics.CreateCounter(
        "visualpriors_controller_reconciles_total", "Reconciles by result: success, failure, conflict, terminal.", "controller", "result");

    internal static Histogram ReconcileSeconds { get; } = Metrics.CreateHistogram(
        "visualpriors_controller_reconcile_seconds",
        "Time that a reconcile took.",
        ["controller"],
        new HistogramConfiguration { Buckets = Seconds });

    internal static Gauge QueueDepth { get; } = Metrics.CreateGauge(
        "visualpriors_controller_queue_depth", "Keys that wait to be worked on.", "controller");

    internal static Histogram QueueSeconds { get; } = Metrics.CreateHistogram(
        "visualpriors_controller_queue_seconds",
        "Time that a key waited: from event to reconcile.",
        ["controller"],
        new HistogramConfiguration { Buckets = Seconds });

    internal static Counter Retries { get; } = Metrics.CreateCounter(
        "visualpriors_controller_retries_total", "Keys queued again after a failure or a conflict.", "controller");

    internal static Counter WatchRestarts { get; } = Metrics.CreateCounter(
        "visualpriors_controller_watch_restarts_total", "Watches opened again by reason: end, idle, error, expired.", "kind", "reason");

    internal static Counter Relists { get; } = Metrics.CreateCounter(
        "visualpriors_controller_relists_total", "Listings after the first by reason: expired, page_expired, error.", "kind", "reason");

    internal static Counter Unreadable { get; } = Metrics.CreateCounter(
        "visualpriors_controller_unreadable_objects_total", "Objects left out because they do not fit their type.", "kind");

    internal static Gauge CachedObjects { get; } = Metrics.CreateGauge(
        "visualpriors_controller_cached_objects", "Objects in a cache.", "kind", "selector");

    internal static Gauge IsLeader { get; } = Metrics.CreateGauge(
        "visualpriors_controller_is_leader", "1 while this process leads.");

    internal static Counter Requests { get; } = Metrics.CreateCounter(
        "visualpriors_controller_client_requests_total", "Requests to the API server by verb and HTTP status, timeout or error.", "verb", "code");

    internal static Counter Events { get; } = Metrics.CreateCounter(
        "visualpriors_controller_events_total", "Events by what became of them: created, counted, limited, dropped, failed.", "result");
}
