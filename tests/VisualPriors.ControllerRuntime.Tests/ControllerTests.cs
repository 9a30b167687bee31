using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>Controllers of config maps against the real server.</summary>
public sealed class ControllerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task All_objects_are_reconciled_then_each_change_and_a_delete_once()
    {
        await using var setup = await Setup.StartAsync();
        await setup.CreateAsync("a");
        await using var running = setup.Run();
        await setup.HoldsAsync("reconcile a");

        await setup.CreateAsync("b");
        await setup.HoldsAsync("reconcile a", "reconcile b");
        await setup.Client.DeleteAsync(setup.Space, "a");

        await setup.HoldsAsync("reconcile a", "reconcile b", "deleted a");
    }

    [Fact]
    public async Task A_failure_is_retried_until_it_succeeds()
    {
        await using var setup = await Setup.StartAsync();
        var left = 8;
        setup.Controller.Reconcile = entity => left-- > 0
            ? left % 2 == 0 ? throw new InvalidOperationException("broken") : ReconciliationResult<V1ConfigMap>.Failure(entity, "not yet")
            : ReconciliationResult<V1ConfigMap>.Success(entity);
        await setup.CreateAsync("a");

        await using var running = setup.Run();

        await Eventually.HoldsAsync(() => setup.Seen.Count == 9, "the success");
        Assert.Equal((8, 1), (setup.Count("failure"), setup.Count("success")));
    }

    [Fact]
    public async Task A_terminal_error_is_not_retried_until_the_object_changes()
    {
        await using var setup = await Setup.StartAsync();
        setup.Controller.Reconcile = _ => throw new TerminalException("nothing will help");
        await setup.CreateAsync("a");
        await using var running = setup.Run();
        await setup.HoldsAsync("reconcile a");

        await Task.Delay(300);
        Assert.Single(setup.Seen);
        await setup.ChangeAsync("a", "2");

        await setup.HoldsAsync("reconcile a", "reconcile a");
        await Eventually.HoldsAsync(() => setup.Count("terminal") == 2, "both to be counted");
        Assert.Equal(0, setup.Count("failure"));
    }

    [Fact]
    public async Task A_conflict_is_retried_and_counted_apart()
    {
        await using var setup = await Setup.StartAsync();
        var conflicts = 0;
        // A real one: a write with the version of before.
        setup.Controller.ReconcileAsync = async entity =>
        {
            if (conflicts++ < 2)
            {
                await setup.Client.DeleteAsync(setup.Space, entity.Metadata.Name, new DeleteRequest { ResourceVersion = "1" });
            }
            return ReconciliationResult<V1ConfigMap>.Success(entity);
        };
        await setup.CreateAsync("a");

        await using var running = setup.Run();

        await Eventually.HoldsAsync(() => setup.Count("success") == 1, "the success");
        Assert.Equal((2, 0), (setup.Count("conflict"), setup.Count("failure")));
    }

    [Fact]
    public async Task An_object_is_looked_at_again_when_it_asked_for_it()
    {
        await using var setup = await Setup.StartAsync();
        setup.Controller.Reconcile = entity => ReconciliationResult<V1ConfigMap>.Success(entity, setup.Seen.Count < 3 ? TimeSpan.FromMilliseconds(20) : null);
        await setup.CreateAsync("a");

        await using var running = setup.Run();

        await setup.HoldsAsync("reconcile a", "reconcile a", "reconcile a");
    }

    [Fact]
    public async Task A_child_s_change_is_its_owner_s_and_a_mapped_object_s_is_theirs_it_maps_to()
    {
        await using var setup = await Setup.StartAsync();
        var pods = setup.Manager.Cache<V1Pod>();
        var secrets = setup.Manager.Cache<V1Secret>();
        setup.Registration.Owns(pods).Watches(secrets, secret => [new(setup.Space, secret.Metadata.Labels["of"])]);
        var owner = await setup.CreateAsync("a");
        await setup.CreateAsync("b", "c");
        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Seen.Count == 3, "all objects");

        var podClient = new ResourceClient<V1Pod>(setup.Connection);
        await podClient.CreateAsync(new V1Pod
        {
            Metadata = new V1ObjectMeta
            {
                Name = "child",
                NamespaceProperty = setup.Space,
                OwnerReferences = [new() { ApiVersion = "v1", Kind = "ConfigMap", Name = "a", Uid = owner.Metadata.Uid, Controller = true }],
            },
            Spec = new V1PodSpec { Containers = [new V1Container { Name = "main", Image = "none" }] },
        });
        await Eventually.HoldsAsync(() => setup.Seen.Count == 4, "the owner");
        var secretClient = new ResourceClient<V1Secret>(setup.Connection);
        await secretClient.CreateAsync(new V1Secret { Metadata = new() { Name = "s", NamespaceProperty = setup.Space, Labels = new Dictionary<string, string> { ["of"] = "b" } } });
        await Eventually.HoldsAsync(() => setup.Seen.Count == 5, "the mapped");
        await secretClient.PatchJsonAsync(setup.Space, "s", [new("replace", "/metadata/labels/of", "c")]);
        await Eventually.HoldsAsync(() => setup.Seen.Count == 7, "the mapped before and after");

        Assert.Equal(["reconcile a", "reconcile b"], setup.Seen.Skip(3).Take(2));
        Assert.Equal(["reconcile b", "reconcile c"], setup.Seen.Skip(5).Order());
    }

    [Fact]
    public async Task A_finalizer_is_put_on_run_until_it_succeeds_and_taken_off_beside_those_of_others()
    {
        await using var setup = await Setup.StartAsync();
        var finalizer = new RecordingFinalizer { Failures = 2 };
        setup.Registration.AddFinalizer(finalizer, map => map.Data["value"] == "1");
        var held = Make.ConfigMap(setup.Space, "held");
        held.Metadata.Finalizers = ["other.dev/first"];
        await setup.Client.CreateAsync(held);
        await setup.Client.CreateAsync(Make.ConfigMap(setup.Space, "free", value: "no"));
        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Seen.Contains("reconcile held") && setup.Seen.Contains("reconcile free"), "all objects");

        Assert.Equal(["other.dev/first", finalizer.Identifier], (await setup.Client.GetAsync(setup.Space, "held"))!.Metadata.Finalizers);
        Assert.Null((await setup.Client.GetAsync(setup.Space, "free"))!.Metadata.Finalizers);
        Assert.NotNull(await setup.Client.DeleteAsync(setup.Space, "held"));
        await Eventually.HoldsAsync(async () => (await setup.Client.GetAsync(setup.Space, "held"))!.Metadata.Finalizers is ["other.dev/first"], "ours to be gone");
        Assert.Equal(3, finalizer.Calls);
        await setup.Client.PatchJsonAsync(setup.Space, "held", [new("remove", "/metadata/finalizers/0")]);

        await Eventually.HoldsAsync(() => setup.Seen.Contains("deleted held"), "the controller to be told");
        Assert.Equal(3, finalizer.Calls);
        await setup.CreateAsync("own");
        await Eventually.HoldsAsync(() => setup.Seen.Contains("reconcile own"), "another");
        await setup.Client.DeleteAsync(setup.Space, "own");
        await Eventually.HoldsAsync(() => setup.Seen.Contains("deleted own"), "the controller to be told, its finalizer being the last");
        Assert.Single(setup.Seen, "deleted own");
    }

    [Fact]
    public async Task A_finalizer_is_not_put_on_a_state_that_is_no_longer()
    {
        await using var setup = await Setup.StartAsync();
        var finalizer = new RecordingFinalizer();
        setup.Registration.AddFinalizer(finalizer);
        await setup.CreateAsync("a");
        var raced = false;
        setup.Faults.Answer = request =>
        {
            if (request.Method == HttpMethod.Patch && !raced)
            {
                raced = true;
                setup.ChangeAsync("a", "2").Wait();
            }
            return null;
        };

        await using var running = setup.Run();

        await Eventually.HoldsAsync(() => setup.Controller.LastValues.GetValueOrDefault("a") == "2", "the newer state");
        Assert.Equal((1, 0), (setup.Count("conflict"), setup.Count("failure")));
        Assert.Equal([finalizer.Identifier], (await setup.Client.GetAsync(setup.Space, "a"))!.Metadata.Finalizers);
    }

    [Fact]
    public async Task An_object_is_never_with_two_workers()
    {
        await using var setup = await Setup.StartAsync();
        var busy = new ConcurrentDictionary<string, int>();
        var shared = 0;
        setup.Controller.ReconcileAsync = async entity =>
        {
            if (busy.AddOrUpdate(entity.Metadata.Name, 1, (_, count) => count + 1) > 1)
            {
                Interlocked.Increment(ref shared);
            }
            await Task.Delay(5);
            busy.AddOrUpdate(entity.Metadata.Name, 0, (_, count) => count - 1);
            return ReconciliationResult<V1ConfigMap>.Success(entity);
        };
        await setup.CreateAsync("a", "b");
        await using var running = setup.Run();

        for (var i = 0; i < 20; i++)
        {
            await setup.ChangeAsync("a", $"{i}");
            setup.Registration.Enqueue(new(setup.Space, "b"));
        }

        await Eventually.HoldsAsync(() => setup.Controller.LastValues.GetValueOrDefault("a") == "19", "the last change");
        Assert.Equal(0, shared);
    }

    [Fact]
    public async Task Shutdown_lets_a_reconcile_end_and_takes_no_other()
    {
        await using var setup = await Setup.StartAsync(workers: 1);
        var entered = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        setup.Controller.WithToken = async (entity, token) =>
        {
            entered.TrySetResult();
            await leave.Task.WaitAsync(token);
            return ReconciliationResult<V1ConfigMap>.Success(entity);
        };
        await setup.CreateAsync("a", "b");
        await using var running = setup.Run();
        await entered.Task;

        var stopped = running.StopAsync();
        await Task.Delay(50);
        Assert.False(stopped.IsCompleted);
        leave.SetResult();

        await stopped;
        Assert.Equal((1, 1), (setup.Seen.Count, setup.Count("success")));
    }

    [Fact]
    public async Task Shutdown_aborts_a_reconcile_that_takes_too_long()
    {
        await using var setup = await Setup.StartAsync(shutdown: TimeSpan.FromMilliseconds(100));
        var entered = new TaskCompletionSource();
        setup.Controller.WithToken = async (entity, token) =>
        {
            entered.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return ReconciliationResult<V1ConfigMap>.Success(entity);
        };
        await setup.CreateAsync("a");
        await using var running = setup.Run();
        await entered.Task;

        await running.StopAsync().WaitAsync(30 * Second);

        Assert.Equal(0, setup.Count("success") + setup.Count("failure"));
    }

    [Fact]
    public async Task An_object_that_does_not_fit_its_type_is_left_out_and_stops_no_other()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var space = await server.CreateNamespaceAsync();
        var maps = new ResourceClient<V1ConfigMap>(connection);
        V1ConfigMap Painted(string name, string colour)
        {
            var map = Make.ConfigMap(space, name);
            map.Data = new Dictionary<string, string> { ["colour"] = colour };
            return map;
        }
        await maps.CreateAsync(Painted("bad-1", "loud"));
        await maps.CreateAsync(Painted("good-1", "Red"));
        var cache = Make.Cache(connection, new ResourceCacheOptions<Paint> { Namespace = space });
        var told = new ConcurrentQueue<string>();
        cache.Subscribe(news => told.Enqueue($"{news.Type} {news.Entity.Metadata.Name}"));
        var counter = ControllerMetrics.Unreadable.WithLabels("ConfigMap");
        var before = counter.Value;

        await using var running = Running.Start(cache.RunAsync);
        await Eventually.HoldsAsync(() => cache.HasSynced, "the listing");
        await maps.CreateAsync(Painted("bad-2", "loud"));
        await maps.PatchJsonAsync(space, "good-1", [new("replace", "/data/colour", "loud")]);
        await maps.CreateAsync(Painted("good-2", "Blue"));

        await Eventually.HoldsAsync(() => told.Count == 2, "the good ones");
        Assert.Equal(["Added good-1", "Added good-2"], told);
        Assert.Equal(Colour.Red, cache.Get(space, "good-1")!.Data.Colour);
        Assert.Equal(3, counter.Value - before);
        await maps.PatchJsonAsync(space, "bad-1", [new("replace", "/data/colour", JsonValue.Create("Blue"))]);
        await Eventually.HoldsAsync(() => told.Contains("Added bad-1"), "the one that was mended");
        await maps.DeleteAsync(space, "good-1");
        await Eventually.HoldsAsync(() => told.Contains("Deleted good-1"), "the one that became bad to be gone");
    }

    [Theory]
    [InlineData(true, false, null, "Success -  ")]
    [InlineData(true, false, 5, "Success 5s  ")]
    [InlineData(false, false, null, "Failure - back-off ")]
    [InlineData(false, false, 5, "Failure 5s  ")]
    [InlineData(false, true, null, "Conflict - back-off 1s")]
    [InlineData(false, true, 5, "Conflict 5s  ")]
    public void What_follows_from_a_result(bool success, bool conflict, int? after, string expected)
    {
        var error = conflict ? new KubernetesApiException("patch", HttpStatusCode.Conflict, null) : null;
        var outcome = ReconcileOutcome.Of(success, error, after is { } seconds ? seconds * Second : null);

        Assert.Equal(
            expected,
            $"{outcome.Kind} {(outcome.RequeueAfter is { } wait ? $"{wait.TotalSeconds}s" : "-")} {(outcome.BackOff ? "back-off" : "")} {(outcome.BackOffCeiling is { } most ? $"{most.TotalSeconds}s" : "")}");
    }

    internal enum Colour
    {
        Red,
        Blue,
    }

    internal sealed record PaintData
    {
        public Colour? Colour { get; init; }
    }

    /// <summary>A config map that is typed more narrowly than the server does: what others write need not fit.</summary>
    [KubernetesEntity(Group = "", ApiVersion = "v1", Kind = "ConfigMap", PluralName = "configmaps")]
    internal sealed class Paint : IKubernetesObject<V1ObjectMeta>
    {
        public string ApiVersion { get; set; } = "v1";

        public string Kind { get; set; } = "ConfigMap";

        public V1ObjectMeta Metadata { get; set; } = new();

        public PaintData Data { get; set; } = new();
    }

    private sealed class RecordingFinalizer : IEntityFinalizer<V1ConfigMap>
    {
        public string Identifier => "test.visualpriors.dev/clean";

        public int Failures { get; set; }

        public int Calls { get; private set; }

        public Task<ReconciliationResult<V1ConfigMap>> FinalizeAsync(V1ConfigMap entity, CancellationToken cancellationToken) => Task.FromResult(
            ++Calls <= Failures ? ReconciliationResult<V1ConfigMap>.Failure(entity, "not yet") : ReconciliationResult<V1ConfigMap>.Success(entity));
    }

    private sealed class RecordingController : IEntityController<V1ConfigMap>
    {
        public ConcurrentQueue<string> Seen { get; } = new();

        public ConcurrentDictionary<string, string> LastValues { get; } = new();

        public Func<V1ConfigMap, ReconciliationResult<V1ConfigMap>> Reconcile { set => ReconcileAsync = entity => Task.FromResult(value(entity)); }

        public Func<V1ConfigMap, Task<ReconciliationResult<V1ConfigMap>>> ReconcileAsync { set => WithToken = (entity, _) => value(entity); }

        public Func<V1ConfigMap, CancellationToken, Task<ReconciliationResult<V1ConfigMap>>> WithToken { get; set; } =
            (entity, _) => Task.FromResult(ReconciliationResult<V1ConfigMap>.Success(entity));

        async Task<ReconciliationResult<V1ConfigMap>> IEntityController<V1ConfigMap>.ReconcileAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Seen.Enqueue($"reconcile {entity.Metadata.Name}");
            var result = await WithToken(entity, cancellationToken);
            LastValues[entity.Metadata.Name] = entity.Data["value"];
            return result;
        }

        public Task<ReconciliationResult<V1ConfigMap>> DeletedAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Seen.Enqueue($"deleted {entity.Metadata.Name}");
            return Task.FromResult(ReconciliationResult<V1ConfigMap>.Success(entity));
        }
    }

    private sealed class Setup : IAsyncDisposable
    {
        private readonly string _name = $"controller-{Guid.NewGuid():N}";

        private Setup(TestApiServer server, string space, int workers, TimeSpan shutdown)
        {
            Space = space;
            Connection = KubernetesConnection.CreateWith(server.Configuration(), [Faults]);
            Client = new(Connection);
            Manager = new(Connection, new() { Name = "tests", Namespace = space, ShutdownTimeout = shutdown }, NullLoggerFactory.Instance);
            Registration = Manager.AddController(Controller, Manager.Cache<V1ConfigMap>(), new() { Name = _name, Workers = workers });
        }

        public string Space { get; }

        public FaultHandler Faults { get; } = new();

        public KubernetesConnection Connection { get; }

        public ResourceClient<V1ConfigMap> Client { get; }

        public ControllerManager Manager { get; }

        public RecordingController Controller { get; } = new();

        public ControllerRegistration<V1ConfigMap> Registration { get; }

        public IReadOnlyList<string> Seen => [.. Controller.Seen];

        public static async Task<Setup> StartAsync(int workers = 4, TimeSpan? shutdown = null)
        {
            var server = await SharedServer.GetAsync();
            return new(server, await server.CreateNamespaceAsync(), workers, shutdown ?? 20 * Second);
        }

        public Running Run() => Running.Start(Manager.RunAsync);

        public int Count(string result) => (int)ControllerMetrics.Reconciles.WithLabels(_name, result).Value;

        public Task HoldsAsync(params string[] seen) => Eventually.HoldsAsync(() => Seen.SequenceEqual(seen), string.Join(", ", seen));

        public async Task<V1ConfigMap> CreateAsync(params string[] names)
        {
            V1ConfigMap? last = null;
            foreach (var name in names)
            {
                last = await Client.CreateAsync(Make.ConfigMap(Space, name));
            }
            return last!;
        }

        public Task<V1ConfigMap> ChangeAsync(string name, string value) =>
            Client.PatchJsonAsync(Space, name, [new("replace", "/data/value", JsonValue.Create(value))]);

        public async ValueTask DisposeAsync()
        {
            await Manager.DisposeAsync();
            Connection.Dispose();
            Faults.Dispose();
        }
    }
}
