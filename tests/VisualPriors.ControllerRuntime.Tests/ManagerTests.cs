using System.Collections.Concurrent;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>Replicas of a whole manager.</summary>
public sealed class ManagerTests
{
    [Fact]
    public async Task A_standby_keeps_its_caches_warm_does_nothing_may_not_write_and_takes_over_all_objects()
    {
        var server = await SharedServer.GetAsync();
        var space = await server.CreateNamespaceAsync();
        await using var first = new Replica(server, space);
        await using var firstRuns = Running.Start(first.Manager.RunAsync);
        await Eventually.HoldsAsync(() => first.Manager.IsLeader, "the first to lead");
        await using var second = new Replica(server, space);
        await using var secondRuns = Running.Start(second.Manager.RunAsync);
        await Eventually.HoldsAsync(() => second.Manager.HasSynced, "the second's caches");

        var client = first.Manager.Client<V1ConfigMap>();
        await client.CreateAsync(Make.ConfigMap(space, "a"));
        await client.CreateAsync(Make.ConfigMap(space, "b"));
        await client.DeleteAsync(space, "b");
        await Eventually.HoldsAsync(() => first.Seen.Contains("deleted b") && first.Seen.Contains("reconcile a"), "the first to work");
        await Eventually.HoldsAsync(() => second.Cache.List().Count == 1, "the second to see it");

        Assert.Empty(second.Seen);
        await Assert.ThrowsAsync<LeadershipLostException>(() => second.Manager.Client<V1ConfigMap>().CreateAsync(Make.ConfigMap(space, "c")));
        await Assert.ThrowsAsync<LeadershipLostException>(() => second.Manager.Client<V1ConfigMap>().DeleteAsync(space, "a"));
        await firstRuns.StopAsync();
        await Eventually.HoldsAsync(() => !second.Seen.IsEmpty, "the second to take over");
        Assert.Equal(["reconcile a"], second.Seen);
        Assert.True(second.Manager.IsLeader);
        await Assert.ThrowsAsync<LeadershipLostException>(() => client.DeleteAsync(space, "a"));
    }

    [Fact]
    public async Task Losing_the_lease_aborts_what_is_under_way_and_ends_the_manager()
    {
        var server = await SharedServer.GetAsync();
        var space = await server.CreateNamespaceAsync();
        await using var replica = new Replica(server, space) { Waiting = true };
        await replica.Direct.CreateAsync(Make.ConfigMap(space, "a"));
        await using var running = Running.Start(replica.Manager.RunAsync);
        await Eventually.HoldsAsync(() => !replica.Seen.IsEmpty, "the work to begin");

        await new ResourceClient<V1Lease>(replica.Connection).PatchJsonAsync(space, "manager", [new("replace", "/spec/holderIdentity", "thief")]);

        await Assert.ThrowsAsync<LeadershipLostException>(() => running.Task.WaitAsync(TimeSpan.FromSeconds(45)));
        Assert.True(replica.Aborted);
        Assert.False(replica.Manager.IsLeader);
    }

    [Fact]
    public async Task Work_waits_until_all_caches_are_filled()
    {
        var server = await SharedServer.GetAsync();
        var space = await server.CreateNamespaceAsync();
        await using var replica = new Replica(server, space, elect: false);
        var secrets = replica.Manager.Cache<V1Secret>();
        Assert.Same(secrets, replica.Manager.Cache<V1Secret>());
        Assert.NotSame(secrets, replica.Manager.Cache<V1Secret>("a=b"));
        var refused = 0;
        replica.Faults.Answer = request => request.RequestUri!.AbsolutePath.EndsWith("/secrets", StringComparison.Ordinal) && refused++ < 2
            ? FaultHandler.Status(System.Net.HttpStatusCode.Forbidden, "Forbidden")
            : null;
        await replica.Direct.CreateAsync(Make.ConfigMap(space, "a"));
        var early = false;
        replica.Reconciling = () => early |= !secrets.HasSynced;

        await using var running = Running.Start(replica.Manager.RunAsync);

        await Eventually.HoldsAsync(() => !replica.Seen.IsEmpty, "the work to begin");
        Assert.False(early);
    }

    private sealed class Replica : IEntityController<V1ConfigMap>, IAsyncDisposable
    {
        public Replica(TestApiServer server, string space, bool elect = true)
        {
            Connection = KubernetesConnection.CreateWith(server.Configuration(), [Faults]);
            Direct = new(Connection);
            var election = elect ? new LeaderElectionOptions { Namespace = space, Name = "manager" } : null;
            Manager = new(Connection, new() { Name = "tests", Namespace = space, LeaderElection = election }, NullLoggerFactory.Instance);
            Cache = Manager.Cache<V1ConfigMap>();
            Manager.AddController(this, Cache);
        }

        public FaultHandler Faults { get; } = new();

        public KubernetesConnection Connection { get; }

        public bool Waiting { get; init; }

        public bool Aborted { get; private set; }

        public ResourceClient<V1ConfigMap> Direct { get; }

        public ControllerManager Manager { get; }

        public ResourceCache<V1ConfigMap> Cache { get; }

        public ConcurrentQueue<string> Seen { get; } = new();

        public Action Reconciling { get; set; } = () => { };

        public async Task<ReconciliationResult<V1ConfigMap>> ReconcileAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Reconciling();
            Seen.Enqueue($"reconcile {entity.Metadata.Name}");
            using var aborted = cancellationToken.Register(() => Aborted = true);
            if (Waiting)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            return ReconciliationResult<V1ConfigMap>.Success(entity);
        }

        public Task<ReconciliationResult<V1ConfigMap>> DeletedAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Seen.Enqueue($"deleted {entity.Metadata.Name}");
            return Task.FromResult(ReconciliationResult<V1ConfigMap>.Success(entity));
        }

        public async ValueTask DisposeAsync()
        {
            await Manager.DisposeAsync();
            Connection.Dispose();
            Faults.Dispose();
        }
    }
}
