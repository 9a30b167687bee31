using System.Globalization;
using System.Net;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// Lists, then watches from there, for ever: goes on from the last event after a break, lists again only when the server has forgotten that
/// far back. No error ends it.
/// </summary>
internal sealed class ResourceWatcher<TEntity>(
    KubernetesConnection connection, ResourceCacheOptions<TEntity> options, IResourceSink<TEntity> sink, ILogger logger)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>A watch that ends sooner, and without an event, is an error: asking again at once would be a storm. As in client-go.</summary>
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromSeconds(1);

    private readonly ResourceType _type = ResourceType.Of<TEntity>();
    private readonly TimeProvider _time = connection.Time;

    /// <summary>Version to watch from; null: list first.</summary>
    private string? _position;

    private TimeSpan _lastWait;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var wait = TimeSpan.Zero;
            try
            {
                if (_position is null)
                {
                    await ListAsync(cancellationToken).ConfigureAwait(false);
                }
                await WatchAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (KubernetesApiException error) when (error.IsExpired)
            {
                logger.LogInformation("The server has forgotten {Kind} before version {Version}: listing again", _type.Kind, _position);
                ControllerMetrics.WatchRestarts.WithLabels(_type.Kind, "expired").Inc();
                ControllerMetrics.Relists.WithLabels(_type.Kind, "expired").Inc();
                _position = null;
                // All who watched from there are told at once; so many listings at once are what brings servers down.
                wait = TimeSpan.FromSeconds(Random.Shared.NextDouble());
            }
            catch (IdleWatchException)
            {
                logger.LogWarning("The watch of {Kind} is silent beyond its time: the connection is dead", _type.Kind);
                ControllerMetrics.WatchRestarts.WithLabels(_type.Kind, "idle").Inc();
            }
            catch (Exception error)
            {
                wait = WaitAfter(error);
                logger.LogWarning(
                    "{What} {Kind} fails, next try in {Wait}: {Error}", _position is null ? "Listing" : "Watching", _type.Kind, wait, error.Message);
                (_position is null ? ControllerMetrics.Relists : ControllerMetrics.WatchRestarts).WithLabels(_type.Kind, "error").Inc();
            }
            await DelayAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task DelayAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition sees it.
        }
    }

    private TimeSpan WaitAfter(Exception error)
    {
        _lastWait = BackOff.Decorrelated(_lastWait, options.BackOffBase, options.BackOffMaximum, Random.Shared.NextDouble());
        return error is KubernetesApiException { RetryAfter: { } asked } && asked > _lastWait ? KubernetesConnection.Spread(asked) : _lastWait;
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        var listing = await ResourceLister.ListAsync<TEntity>(
            connection, options.Namespace, options.LabelSelector, options.FieldSelector, options.PageSize, cancellationToken).ConfigureAwait(false);
        foreach (var item in listing.Unreadable)
        {
            Report(item);
        }
        sink.Replace(options.Transform is { } transform ? listing with { Items = [.. listing.Items.Select(transform)] } : listing);
        _position = listing.ResourceVersion;
        _lastWait = TimeSpan.Zero;
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var timeout = options.WatchTimeout * (1 - (Random.Shared.NextDouble() / 10));
        var request = new ApiRequest("watch", HttpMethod.Get, _type.Path(options.Namespace))
        {
            Query =
            [
                ("watch", "true"),
                ("allowWatchBookmarks", "true"),
                ("labelSelector", options.LabelSelector),
                ("fieldSelector", options.FieldSelector),
                ("resourceVersion", _position),
                ("timeoutSeconds", Math.Ceiling(timeout.TotalSeconds).ToString(CultureInfo.InvariantCulture)),
            ],
        };
        var began = _time.GetTimestamp();
        var events = 0;
        using var response = await connection.OpenAsync(request, cancellationToken).ConfigureAwait(false);
        await foreach (var line in WatchStream.ReadAsync(response, timeout + options.WatchGrace, _time, cancellationToken).ConfigureAwait(false))
        {
            Apply(WatchEvent<TEntity>.Parse(line, _type), request);
            _lastWait = TimeSpan.Zero;
            events++;
        }
        if (events == 0 && _time.GetElapsedTime(began) < ShortestWatch)
        {
            throw new IOException("the watch ended at once");
        }
        ControllerMetrics.WatchRestarts.WithLabels(_type.Kind, "end").Inc();
    }

    private void Apply(WatchEvent<TEntity> told, ApiRequest request)
    {
        switch (told.Type)
        {
            case "ADDED" or "MODIFIED" when told.Entity is { } entity:
                sink.Changed(options.Transform is { } transform ? transform(entity) : entity);
                break;
            case "DELETED" when told.Entity is { } entity:
                sink.Deleted(entity);
                break;
            case "BOOKMARK":
                sink.Watched(ResourceStore<TEntity>.VersionOf(told.ResourceVersion));
                break;
            case "ERROR":
                throw new KubernetesApiException(
                    request.ToString(),
                    (HttpStatusCode)(told.Status?.Code ?? 500),
                    told.Status,
                    told.Status?.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null);
            default:
                if (told.Unreadable is { } unreadable)
                {
                    Report(unreadable);
                    sink.Unreadable(unreadable);
                }
                break;
        }
        _position = told.ResourceVersion ?? _position;
    }

    private void Report(UnreadableObject item)
    {
        ControllerMetrics.Unreadable.WithLabels(_type.Kind).Inc();
        logger.LogError("{Kind} {Name} is left out, it does not fit its type: {Error}", _type.Kind, item.Name?.ToString() ?? "(no name)", item.Error.Message);
    }
}
