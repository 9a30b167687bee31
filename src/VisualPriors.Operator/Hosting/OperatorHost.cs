using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Metrics;
using VisualPriors.Operator.Pipelines;
using VisualPriors.Operator.Progress;
using VisualPriors.Operator.Progress.Authentication;
using VisualPriors.Operator.Runs;
using VisualPriors.Operator.Settings;
using VisualPriors.Operator.Stages;

namespace VisualPriors.Operator.Hosting;

/// <summary>Puts the operator together and runs it.</summary>
internal static class OperatorHost
{
    private const string Name = "visualpriors-operator";
    private const string MetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Runs until told to stop.</summary>
    /// <param name="settings">What the operator was told.</param>
    /// <param name="ownNamespace">Namespace that the lease is kept in.</param>
    /// <param name="connection">To the API server.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Logs.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="LeadershipLostException">Another replica leads now: end the process.</exception>
    public static async Task RunAsync(
        OperatorSettings settings, string ownNamespace, KubernetesConnection connection, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var manager = new ControllerManager(connection, ManagerOptions(settings, ownNamespace), loggers);
        await using var _ = manager.ConfigureAwait(false);
        var runs = new RunCatalog(manager);
        var pods = manager.Cache<V1Pod>(GangNames.PodSelector);
        pods.AddIndex(PodIndex.Owner, PodIndex.OwnerOf);
        AddControllers(manager, runs, pods, settings, time, loggers);
        OperatorMetrics.Observe(runs);

        var writer = new ProgressWriter(connection, TimeSpan.FromSeconds(settings.StatusIntervalSeconds), time, loggers.CreateLogger<ProgressWriter>());
        var keys = settings.TokenVerification == TokenVerification.PublishedKeys
            ? PublishedKeys.Of(connection, time, loggers.CreateLogger<PublishedKeys>())
            : null;
        ITokenVerifier verifier = keys is null ? new TokenReviewVerifier(connection) : new PublishedKeysVerifier(keys, time);
        var endpoint = new ProgressEndpoint(new TokenAuthenticator(verifier, time), pods, runs, writer, settings.StatusIntervalSeconds);
        var web = Web(settings.HttpPort, manager, endpoint);
        await using var __ = web.ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await web.StartAsync(stop.Token).ConfigureAwait(false);
        var writing = writer.RunAsync(stop.Token);
        var announcing = keys?.AnnounceAsync(stop.Token) ?? Task.CompletedTask;
        var managing = manager.RunAsync(stop.Token);
        await Task.WhenAny(managing, writing).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(managing, announcing).ConfigureAwait(false);
        if (writing.IsFaulted)
        {
            // An operator that writes no progress any more is better started again.
            await writing.ConfigureAwait(false);
        }
    }

    private static ControllerManagerOptions ManagerOptions(OperatorSettings settings, string ownNamespace) => new()
    {
        Name = Name,
        Namespace = settings.Namespace.Length > 0 ? settings.Namespace : null,
        LeaderElection = settings.LeaderElection.Enabled
            ? new LeaderElectionOptions
            {
                Namespace = ownNamespace,
                Name = settings.LeaderElection.LeaseName,
                LeaseDuration = TimeSpan.FromSeconds(settings.LeaderElection.LeaseSeconds),
                RenewDeadline = TimeSpan.FromSeconds(settings.LeaderElection.RenewSeconds),
                RenewPeriod = TimeSpan.FromSeconds(settings.LeaderElection.RetrySeconds),
            }
            : null,
    };

    private static void AddControllers(
        ControllerManager manager, RunCatalog runs, ResourceCache<V1Pod> pods, OperatorSettings settings, TimeProvider time, ILoggerFactory loggers)
    {
        var reader = new RunReader();
        var claims = new StageClaims(runs);
        var places = StagePlaces.InStore(settings.Storage.Address);
        var services = new RunServices(
            manager,
            runs,
            claims,
            reader,
            pods,
            new GangClient(manager, pods, new GangBuilder(settings)),
            new StagePreparer(runs, claims, reader, new ArtifactCatalog(time), new AttemptClock(time), places, settings.Storage.Address),
            places,
            time,
            loggers.CreateLogger("VisualPriors.Operator.Runs"));
        AddRun<PretrainRunEntity>();
        AddRun<AlignRunEntity>();
        AddRun<SftRunEntity>();
        AddRun<EvalRunEntity>();

        var pipelines = manager.Cache<PipelineEntity>();
        manager.AddController(new PipelineController(pipelines, services), pipelines, new ControllerOptions { Workers = settings.Workers })
            .Owns(manager.Cache<PretrainRunEntity>())
            .Owns(manager.Cache<AlignRunEntity>())
            .Owns(manager.Cache<SftRunEntity>())
            .Owns(manager.Cache<EvalRunEntity>());

        void AddRun<TEntity>()
            where TEntity : RunEntity, new()
        {
            var cache = manager.Cache<TEntity>();
            var registration = manager.AddController(new RunController<TEntity>(cache, services), cache, new ControllerOptions { Workers = settings.Workers })
                .Owns(pods);
            Watch<PretrainRunEntity>();
            Watch<AlignRunEntity>();
            Watch<SftRunEntity>();
            Watch<EvalRunEntity>();

            // A run's end may be what another waits for: the one that starts from it, or one that computes the same.
            void Watch<TOther>()
                where TOther : RunEntity => registration.Watches(
                    manager.Cache<TOther>(),
                    other => runs.DependentsOf(other).OfType<TEntity>().Select(run => new NamespacedName(run.Metadata.NamespaceProperty, run.Metadata.Name)));
        }
    }

    private static WebApplication Web(int port, ControllerManager manager, ProgressEndpoint endpoint)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port));
        var web = builder.Build();
        web.MapGet("/healthz", () => Results.Text("ok"));
        web.MapGet("/readyz", () => manager.HasSynced ? Results.Text("ok") : Results.Text("caches are being filled", statusCode: StatusCodes.Status503ServiceUnavailable));
        web.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = MetricsContentType;
            await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
        });
        web.MapPost(TrainerContract.ReportPath, endpoint.HandleAsync);
        return web;
    }
}
