using System.Text.Json.Nodes;
using System.Threading.Channels;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Tells people what happened to an object, as Kubernetes Events. Repeats are counted on one Event, each object has a rate. Writes happen in the
/// background: recording never waits and never throws. Needs the verbs create and patch on events.
/// </summary>
/// <remarks>They are core/v1 Events with a count: what <c>kubectl describe</c> shows as "x3 over 5m" on every server.</remarks>
public sealed class EventRecorder : IAsyncDisposable
{
    private const int QueueLength = 1000;

    /// <summary>The server's own bound on a message.</summary>
    private const int LongestMessage = 1024;

    private const int Tries = 3;

    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<RecordedEvent> _recorded = Channel.CreateBounded<RecordedEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly EventCorrelator _correlator = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ResourceClient<Corev1Event> _client;
    private readonly TimeProvider _time;
    private readonly string _source;
    private readonly ILogger _logger;
    private readonly Task _writing;

    /// <param name="connection">To the API server; not disposed.</param>
    /// <param name="source">Name of the program, as people see it beside the event.</param>
    /// <param name="logger">Logs.</param>
    public EventRecorder(KubernetesConnection connection, string source, ILogger<EventRecorder> logger)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _client = new(connection);
        _time = connection.Time;
        _source = source;
        _logger = logger;
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>Something went as it should.</summary>
    /// <param name="entity">Object it happened to.</param>
    /// <param name="reason">One word in CamelCase, for machines.</param>
    /// <param name="message">A sentence, for people. Cut at 1024 characters.</param>
    public void Normal(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => Record(entity, "Normal", reason, message);

    /// <summary>Something went wrong, or needs a person.</summary>
    /// <param name="entity">Object it happened to.</param>
    /// <param name="reason">One word in CamelCase, for machines.</param>
    /// <param name="message">A sentence, for people. Cut at 1024 characters.</param>
    public void Warning(IKubernetesObject<V1ObjectMeta> entity, string reason, string message) => Record(entity, "Warning", reason, message);

    /// <summary>Writes what is recorded, for at most two seconds, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _recorded.Writer.TryComplete();
        _stop.CancelAfter(FlushTime);
        await _writing.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Record(IKubernetesObject<V1ObjectMeta> entity, string type, string reason, string message)
    {
        if (entity?.Metadata is not { } metadata)
        {
            _logger.LogError("An event without an object is dropped: {Reason} {Message}", reason, message);
            return;
        }
        var subject = new EventSubject(
            entity.ApiVersion, entity.Kind, metadata.NamespaceProperty, metadata.Name, metadata.Uid, metadata.ResourceVersion);
        var cut = message.Length <= LongestMessage ? message : $"{message.AsSpan(0, LongestMessage - 1)}…";
        if (!_recorded.Writer.TryWrite(new(subject, type, reason, cut, _time.GetUtcNow())))
        {
            ControllerMetrics.Events.WithLabels("dropped").Inc();
        }
    }

    private async Task WriteAllAsync()
    {
        try
        {
            await foreach (var recorded in _recorded.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                await WriteAsync(recorded).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _logger.LogWarning("{Count} events were not written", _recorded.Reader.Count);
        }
    }

    private async Task WriteAsync(RecordedEvent recorded)
    {
        var (decision, written) = _correlator.Decide(recorded);
        if (decision == EventDecision.Limit)
        {
            ControllerMetrics.Events.WithLabels("limited").Inc();
            return;
        }
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await WriteAsync(decision, recorded, written).ConfigureAwait(false);
                return;
            }
            catch (KubernetesApiException error)
            {
                Failed(recorded, error);
                return;
            }
            catch (Exception error) when (error is not OperationCanceledException || !_stop.IsCancellationRequested)
            {
                if (attempt == Tries)
                {
                    Failed(recorded, error);
                    return;
                }
                await Task.Delay(RetryAfter, _time, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    private void Failed(RecordedEvent recorded, Exception error)
    {
        ControllerMetrics.Events.WithLabels("failed").Inc();
        _logger.LogWarning("The event {Reason} of {Kind} {Name} is not written: {Error}", recorded.Reason, recorded.Subject.Kind, recorded.Subject.Name, error.Message);
    }

    private async Task WriteAsync(EventDecision decision, RecordedEvent recorded, WrittenEvent written)
    {
        if (decision == EventDecision.Count && await TryCountAsync(recorded, written).ConfigureAwait(false))
        {
            ControllerMetrics.Events.WithLabels("counted").Inc();
            return;
        }
        await _client.CreateAsync(EventFor(recorded, written), cancellationToken: _stop.Token).ConfigureAwait(false);
        ControllerMetrics.Events.WithLabels("created").Inc();
    }

    /// <returns>False when the server has forgotten the event (it keeps them for an hour).</returns>
    private async Task<bool> TryCountAsync(RecordedEvent recorded, WrittenEvent written)
    {
        try
        {
            await _client.PatchJsonAsync(
                NamespaceOf(recorded.Subject),
                written.Name,
                [
                    new("replace", "/count", JsonValue.Create(written.Times)),
                    new("replace", "/lastTimestamp", JsonValue.Create(written.Last.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture))),
                ],
                cancellationToken: _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (KubernetesApiException error) when (error.IsNotFound)
        {
            return false;
        }
    }

    private Corev1Event EventFor(RecordedEvent recorded, WrittenEvent written) => new()
    {
        Metadata = new V1ObjectMeta { Name = written.Name, NamespaceProperty = NamespaceOf(recorded.Subject) },
        InvolvedObject = new V1ObjectReference
        {
            ApiVersion = recorded.Subject.ApiVersion,
            Kind = recorded.Subject.Kind,
            NamespaceProperty = recorded.Subject.Namespace,
            Name = recorded.Subject.Name,
            Uid = recorded.Subject.Uid,
            ResourceVersion = recorded.Subject.ResourceVersion,
        },
        Type = recorded.Type,
        Reason = recorded.Reason,
        Message = recorded.Message,
        Count = written.Times,
        FirstTimestamp = written.First.UtcDateTime,
        LastTimestamp = written.Last.UtcDateTime,
        Source = new V1EventSource { Component = _source },
    };

    /// <summary>Events of objects of the whole cluster lie in the namespace default, where kubectl looks for them.</summary>
    private static string NamespaceOf(EventSubject subject) => string.IsNullOrEmpty(subject.Namespace) ? "default" : subject.Namespace;
}
