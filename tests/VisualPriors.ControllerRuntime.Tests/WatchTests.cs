using System.Collections.Concurrent;
using System.Net;
using k8s;
using k8s.Models;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>List and watch against the real server, with the network and the server failing.</summary>
public sealed class WatchTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task What_is_there_is_listed_and_what_happens_afterwards_is_told_in_order()
    {
        await using var setup = await Setup.StartAsync();
        await setup.CreateAsync("a", "b");
        await using var running = await setup.RunToSyncAsync();

        await setup.CreateAsync("c");
        await setup.Direct.PatchJsonAsync(setup.Space, "a", [new("replace", "/data/value", "2")]);
        await setup.Direct.DeleteAsync(setup.Space, "b");

        await Eventually.HoldsAsync(() => setup.Told.Count == 5, "five changes");
        Assert.Equal(["Added a", "Added b", "Added c", "Modified a", "Deleted b"], setup.Told);
        Assert.Equal("2", setup.Cache.Get(setup.Space, "a")!.Data["value"]);
        Assert.Equal(["a", "c"], setup.Cache.List(setup.Space).Select(map => map.Metadata.Name).Order());
        Assert.Null(setup.Cache.Get(setup.Space, "a")!.Metadata.ManagedFields);
    }

    [Fact]
    public async Task After_a_cut_the_watch_goes_on_from_the_last_event_without_listing_again()
    {
        await using var setup = await Setup.StartAsync();
        await setup.CreateAsync("a", "b");
        await using var running = await setup.RunToSyncAsync();
        await setup.CreateAsync("c");
        await Eventually.HoldsAsync(() => setup.Told.Count == 3, "three changes");
        var last = setup.Cache.Get(setup.Space, "c")!.Metadata.ResourceVersion;

        setup.Proxy.Refuse(true);
        await setup.Direct.DeleteAsync(setup.Space, "a");
        await setup.CreateAsync("d");
        setup.Proxy.Refuse(false);

        await Eventually.HoldsAsync(() => setup.Told.Count == 5, "what happened meanwhile");
        Assert.Equal(["Deleted a", "Added d"], setup.Told.Skip(3));
        Assert.Single(setup.Lists);
        Assert.Contains(setup.Watches.Skip(1), query => query.Contains($"resourceVersion={last}&", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bookmark_moves_the_position_on_where_nothing_happens()
    {
        // The server sends one two seconds before a watch's end.
        await using var setup = await Setup.StartAsync(options => options with { WatchTimeout = TimeSpan.FromSeconds(4) });
        await using var running = await setup.RunToSyncAsync();
        await setup.Direct.CreateAsync(Make.ConfigMap("default", $"elsewhere-{setup.Space}"));
        var elsewhere = await setup.Direct.GetAsync("default", $"elsewhere-{setup.Space}");

        await Eventually.HoldsAsync(() => setup.Watches.Count >= 2, "a second watch");

        Assert.Empty(setup.Told);
        Assert.Single(setup.Lists);
        var position = ulong.Parse(Query(setup.Watches[1])["resourceVersion"], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(position >= ulong.Parse(elsewhere!.Metadata.ResourceVersion, System.Globalization.CultureInfo.InvariantCulture), setup.Watches[1]);
    }

    [Fact]
    public async Task A_half_open_connection_that_says_nothing_beyond_its_time_is_given_up()
    {
        // HTTP/1.1 has no ping: only the watch's own timer can tell.
        await using var setup = await Setup.StartAsync(
            options => options with { WatchTimeout = TimeSpan.FromSeconds(2), WatchGrace = TimeSpan.FromSeconds(1) },
            configuration =>
            {
                configuration.DisableHttp2 = true;
                configuration.FirstMessageHandlerSetup = handler => handler.PooledConnectionIdleTimeout = TimeSpan.FromMilliseconds(100);
            });
        await using var running = await setup.RunToSyncAsync();
        await setup.CreateAsync("a");
        await Eventually.HoldsAsync(() => setup.Told.Count == 1, "the watch to work");

        setup.Proxy.Stall();
        await setup.CreateAsync("b");

        await Eventually.HoldsAsync(() => setup.Cache.Get(setup.Space, "b") is not null, "the watch to recover");
        Assert.Single(setup.Lists);
    }

    [Fact]
    public async Task A_half_open_http2_connection_is_noticed_by_ping_long_before_the_watch_s_time()
    {
        await using var setup = await Setup.StartAsync();
        await using var running = await setup.RunToSyncAsync();
        await setup.CreateAsync("a");
        await Eventually.HoldsAsync(() => setup.Told.Count == 1, "the watch to work");

        setup.Proxy.Stall();
        await setup.CreateAsync("b");

        await Eventually.HoldsAsync(() => setup.Cache.Get(setup.Space, "b") is not null, "the watch to recover");
        Assert.Single(setup.Lists);
    }

    [Fact]
    public async Task A_version_that_the_server_says_is_gone_is_listed_again_and_missed_deletes_are_told()
    {
        await using var setup = await Setup.StartAsync(options => options with { PageSize = 2 });
        await setup.CreateAsync("a", "b", "c", "d", "e");
        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Told.Count == 5, "the listing");

        setup.Faults.Answer = request => IsWatch(request) ? FaultHandler.Status(HttpStatusCode.Gone, "Expired") : null;
        setup.Proxy.Cut();
        await Eventually.HoldsAsync(() => setup.Watches.Count > 1, "the watch to be refused");
        await setup.Direct.DeleteAsync(setup.Space, "a");
        await setup.Direct.DeleteAsync(setup.Space, "e");
        setup.Faults.Answer = _ => null;

        await Eventually.HoldsAsync(() => setup.Told.Count >= 7, "the missed deletes");
        Assert.Equal(["Deleted a", "Deleted e"], setup.Told.Skip(5).Order());
    }

    [Fact]
    public async Task A_page_that_expires_starts_the_listing_anew()
    {
        await using var setup = await Setup.StartAsync(options => options with { PageSize = 2 });
        await setup.CreateAsync("a", "b", "c", "d", "e");
        var expired = 0;
        setup.Faults.Answer = request => request.RequestUri!.Query.Contains("continue=", StringComparison.Ordinal) && expired++ == 0
            ? FaultHandler.Status(HttpStatusCode.Gone, "Expired")
            : null;

        await using var running = setup.Run();

        await Eventually.HoldsAsync(() => setup.Cache.HasSynced, "the listing");
        Assert.Equal(["Added a", "Added b", "Added c", "Added d", "Added e"], setup.Told);
        Assert.Equal(2, setup.Lists.Count(query => !query.Contains("continue=", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Pages_that_always_expire_give_way_to_one_listing_of_all()
    {
        await using var setup = await Setup.StartAsync(options => options with { PageSize = 2 });
        await setup.CreateAsync("a", "b", "c");
        setup.Faults.Answer = request => request.RequestUri!.Query.Contains("continue=", StringComparison.Ordinal)
            ? FaultHandler.Status(HttpStatusCode.Gone, "Expired")
            : null;

        await using var running = setup.Run();

        await Eventually.HoldsAsync(() => setup.Told.Count == 3, "the listing");
        Assert.DoesNotContain("limit=", setup.Lists[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_throttled_watch_waits_as_long_as_the_server_asks()
    {
        var time = new ManualTimeProvider();
        await using var setup = await Setup.StartAsync(time: time);
        setup.Faults.Answer = request => IsWatch(request)
            ? FaultHandler.Status(HttpStatusCode.TooManyRequests, "TooManyRequests", TimeSpan.FromSeconds(40))
            : null;
        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Watches.Count == 1 && time.PendingTimers == 1, "the first watch to be refused");

        time.Advance(TimeSpan.FromSeconds(39));
        await Task.Delay(Soon);
        Assert.Single(setup.Watches);
        time.Advance(TimeSpan.FromSeconds(11));

        await Eventually.HoldsAsync(() => setup.Watches.Count == 2, "the second watch");
        Assert.Single(setup.Lists);
    }

    [Fact]
    public async Task Errors_of_the_server_and_broken_answers_end_nothing()
    {
        await using var setup = await Setup.StartAsync();
        var answers = new ConcurrentQueue<Func<HttpResponseMessage>>(
        [
            () => FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError"),
            () => FaultHandler.Status(HttpStatusCode.Forbidden, "Forbidden"),
            () => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("not json at all\n") },
            () => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("") },
            () => new HttpResponseMessage(HttpStatusCode.BadGateway) { Content = new StringContent("<html>") },
        ]);
        setup.Faults.Answer = _ => answers.TryDequeue(out var answer) ? answer() : null;

        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Cache.HasSynced, "the listing");
        setup.Faults.Answer = _ => null;
        await setup.CreateAsync("a");

        await Eventually.HoldsAsync(() => setup.Cache.Get(setup.Space, "a") is not null, "the watch");
        Assert.False(running.Task.IsCompleted);
    }

    [Fact]
    public async Task An_error_inside_a_watch_ends_the_watch_only()
    {
        await using var setup = await Setup.StartAsync();
        var errors = 0;
        setup.Faults.Answer = request => IsWatch(request) && errors++ < 2
            ? new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent("""{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}""" + "\n"),
            }
            : null;

        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Lists.Count == 3, "a listing after each error");
        await setup.CreateAsync("a");

        await Eventually.HoldsAsync(() => setup.Told.Count == 1, "the watch");
    }

    [Fact]
    public async Task An_object_that_no_longer_matches_the_selector_is_gone()
    {
        await using var setup = await Setup.StartAsync(options => options with { LabelSelector = "keep=yes" });
        await setup.Direct.CreateAsync(Make.ConfigMap(setup.Space, "a", labels: ("keep", "yes")));
        await setup.Direct.CreateAsync(Make.ConfigMap(setup.Space, "b", labels: ("keep", "no")));
        await using var running = await setup.RunToSyncAsync();

        await setup.Direct.PatchJsonAsync(setup.Space, "a", [new("replace", "/metadata/labels/keep", "no")]);
        await setup.Direct.PatchJsonAsync(setup.Space, "b", [new("replace", "/metadata/labels/keep", "yes")]);

        await Eventually.HoldsAsync(() => setup.Told.Count == 3, "three changes");
        Assert.Equal(["Added a", "Deleted a", "Added b"], setup.Told);
    }

    [Fact]
    public async Task An_own_write_counts_before_the_watch_tells_of_it_and_is_told_once()
    {
        await using var setup = await Setup.StartAsync();
        await setup.CreateAsync("a");
        await using var running = await setup.RunToSyncAsync();
        await Eventually.HoldsAsync(() => setup.Told.Count == 1, "the listing");
        setup.Proxy.Refuse(true);

        await setup.Direct.PatchJsonAsync(setup.Space, "a", [new("replace", "/data/value", "2")]);
        setup.Cache.Observe(await setup.Direct.PatchJsonAsync(setup.Space, "a", [new("replace", "/data/value", "3")]));
        setup.Cache.Observe(await setup.Direct.CreateAsync(Make.ConfigMap(setup.Space, "b")));
        Assert.Equal("3", setup.Cache.Get(setup.Space, "a")!.Data["value"]);
        Assert.NotNull(setup.Cache.Get(setup.Space, "b"));
        setup.Proxy.Refuse(false);
        await setup.CreateAsync("end");

        await Eventually.HoldsAsync(() => setup.Cache.Get(setup.Space, "end") is not null, "the watch to catch up");
        Assert.Equal(["Added a", "Modified a", "Added b", "Added end"], setup.Told);
    }

    [Fact]
    public async Task An_own_delete_counts_before_the_watch_tells_of_it()
    {
        await using var setup = await Setup.StartAsync();
        await setup.CreateAsync("a");
        await using var running = await setup.RunToSyncAsync();
        await Eventually.HoldsAsync(() => setup.Told.Count == 1, "the listing");
        var deleted = setup.Cache.Get(setup.Space, "a")!;
        setup.Proxy.Refuse(true);

        await setup.Direct.PatchJsonAsync(setup.Space, "a", [new("replace", "/data/value", "2")]);
        Assert.Null(await setup.Direct.DeleteAsync(setup.Space, "a"));
        setup.Cache.ObserveDeleted(deleted);
        Assert.Null(setup.Cache.Get(setup.Space, "a"));
        setup.Proxy.Refuse(false);
        await setup.CreateAsync("end", "a");

        await Eventually.HoldsAsync(() => setup.Cache.List().Count == 2, "the watch to catch up");
        Assert.Equal(["Added a", "Deleted a", "Added end", "Added a"], setup.Told);
    }

    [Fact]
    public async Task A_handler_that_fails_does_not_keep_others_from_their_changes()
    {
        await using var setup = await Setup.StartAsync();
        var told = 0;
        using var failing = setup.Cache.Subscribe(_ => throw new InvalidOperationException("broken"));
        using var counting = setup.Cache.Subscribe(_ => told++);
        await using var running = setup.Run();
        await setup.CreateAsync("a", "b");

        await Eventually.HoldsAsync(() => told == 2, "both changes");
    }

    private static bool IsWatch(HttpRequestMessage request) => request.RequestUri!.Query.Contains("watch=true", StringComparison.Ordinal);

    private static Dictionary<string, string> Query(string query) =>
        query.TrimStart('?').Split('&').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>A cache of config maps behind a proxy and a handler that fail on demand, and a client that goes around both.</summary>
    internal sealed class Setup : IAsyncDisposable
    {
        private readonly ConcurrentQueue<string> _told = new();
        private readonly KubernetesConnection _direct;
        private readonly KubernetesConnection _faulty;

        private Setup(
            TestApiServer server,
            string space,
            Func<ResourceCacheOptions<V1ConfigMap>, ResourceCacheOptions<V1ConfigMap>>? change,
            Action<KubernetesClientConfiguration>? configure,
            TimeProvider? time)
        {
            Space = space;
            _direct = KubernetesConnection.Create(server.Configuration());
            Direct = new(_direct);
            Proxy = new(server.Port);
            var configuration = server.Configuration(Proxy.Port);
            configure?.Invoke(configuration);
            _faulty = KubernetesConnection.CreateWith(configuration, [Faults], time);
            var options = new ResourceCacheOptions<V1ConfigMap>
            {
                Namespace = space,
                BackOffBase = TimeSpan.FromMilliseconds(20),
                BackOffMaximum = TimeSpan.FromMilliseconds(200),
            };
            Cache = Make.Cache(_faulty, change?.Invoke(options) ?? options);
            Cache.Subscribe(news => _told.Enqueue($"{news.Type} {news.Entity.Metadata.Name}"));
        }

        public string Space { get; }

        public Kubernetes FaultyClient => _faulty.Client;

        public FaultProxy Proxy { get; }

        public FaultHandler Faults { get; } = new();

        public ResourceCache<V1ConfigMap> Cache { get; }

        public ResourceClient<V1ConfigMap> Direct { get; }

        public IReadOnlyList<string> Told => [.. _told];

        public IReadOnlyList<string> Lists => [.. Faults.Seen.Where(request => !IsWatch(request)).Select(request => request.RequestUri!.Query)];

        public IReadOnlyList<string> Watches => [.. Faults.Seen.Where(IsWatch).Select(request => request.RequestUri!.Query)];

        public static async Task<Setup> StartAsync(
            Func<ResourceCacheOptions<V1ConfigMap>, ResourceCacheOptions<V1ConfigMap>>? change = null,
            Action<KubernetesClientConfiguration>? configure = null,
            TimeProvider? time = null,
            TestApiServer? server = null)
        {
            server ??= await SharedServer.GetAsync();
            return new(server, await server.CreateNamespaceAsync(), change, configure, time);
        }

        public Running Run() => Running.Start(Cache.RunAsync);

        public async Task<Running> RunToSyncAsync()
        {
            var running = Run();
            await Eventually.HoldsAsync(() => Cache.HasSynced, "the listing");
            return running;
        }

        public async Task CreateAsync(params string[] names)
        {
            foreach (var name in names)
            {
                await Direct.CreateAsync(Make.ConfigMap(Space, name));
            }
        }

        public async ValueTask DisposeAsync()
        {
            _faulty.Dispose();
            _direct.Dispose();
            await Proxy.DisposeAsync();
            Faults.Dispose();
        }
    }
}
