using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Pods;

/// <summary>Tells a stage's progress to everybody who was said to want it: the parent, the operator, whoever scrapes.</summary>
internal sealed class Reporting : IAsyncDisposable
{
    private readonly MessageWriter _messages;
    private readonly ProgressPoster? _poster;
    private readonly TrainerMetrics? _metrics;
    private readonly MetricsEndpoint? _endpoint;
    private volatile ProgressReport? _last;

    private Reporting(MessageWriter messages, ProgressPoster? poster, TrainerMetrics? metrics, MetricsEndpoint? endpoint)
    {
        (_messages, _poster, _metrics, _endpoint) = (messages, poster, metrics, endpoint);
    }

    /// <summary>The last report, if there was one.</summary>
    public ProgressReport? Last => _last;

    /// <summary>Begins: the first node's launcher speaks for all, and every one shows that it lives.</summary>
    public static Reporting Start(PodSettings pod, StagePlan plan, NodeLayout layout, MessageWriter messages, Action<string> log)
    {
        var poster = pod.ReportAddress is { } address && layout.NodeRank == 0
            ? new ProgressPoster(address, pod.ReportTokenFile, new PosterPatience(), TimeProvider.System, log)
            : null;
        if (pod.MetricsPort is not { } port)
        {
            return new Reporting(messages, poster, null, null);
        }

        var metrics = new TrainerMetrics(pod.Run ?? new RunName("", "", plan.Run), layout.Attempt, TimeProvider.System);
        return new Reporting(messages, poster, metrics, MetricsEndpoint.TryStart(port, metrics.Registry, log));
    }

    /// <summary>Takes a report; returns at once.</summary>
    public void Report(ProgressReport report)
    {
        _last = report;
        _messages.Forward(report);
        _metrics?.Update(report);
        _poster?.Post(report);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_poster is not null)
        {
            await _poster.DisposeAsync().ConfigureAwait(false);
        }

        if (_endpoint is not null)
        {
            await _endpoint.DisposeAsync().ConfigureAwait(false);
        }
    }
}
