using k8s.Models;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>What hurts the server: it is killed, frozen and compacted.</summary>
public sealed class OwnServerTests
{
    [Fact]
    public async Task The_server_s_death_freeze_and_compaction_lose_nothing()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var setup = await WatchTests.Setup.StartAsync(options => options with { PageSize = 2 }, server: server);
        await setup.CreateAsync("a", "b", "c", "d", "e");
        await using var running = setup.Run();
        await Eventually.HoldsAsync(() => setup.Told.Count == 5, "the listing");

        // Frozen: nothing is lost, however long it lasts.
        server.Freeze();
        await Task.Delay(TimeSpan.FromSeconds(1));
        server.Thaw();
        await setup.CreateAsync("f");
        await Eventually.HoldsAsync(() => setup.Told.Count == 6, "the watch to go on");

        // Killed and back, while the cache cannot connect: what it knows is compacted away, and the server's memory is empty.
        setup.Proxy.Refuse(true);
        await setup.Direct.DeleteAsync(setup.Space, "b");
        await setup.Direct.DeleteAsync(setup.Space, "e");
        await setup.Direct.PatchJsonAsync(setup.Space, "c", [new("replace", "/data/value", "2")]);
        await server.CompactAsync();
        server.KillApiServer();
        await server.StartApiServerAsync();
        await setup.CreateAsync("g");
        var lists = setup.Lists.Count;
        setup.Proxy.Refuse(false);

        await Eventually.HoldsAsync(() => setup.Cache.Get(setup.Space, "g") is not null, "the cache to catch up");
        Assert.True(setup.Lists.Count > lists, "410 makes it list again");
        Assert.Equal(["Added g", "Deleted b", "Deleted e", "Modified c"], setup.Told.Skip(6).Order());
        Assert.Equal(["a", "c", "d", "f", "g"], setup.Cache.List().Select(map => map.Metadata.Name).Order());

        // Compaction between two pages: the server itself says 410.
        var compacted = false;
        setup.Faults.Answer = request =>
        {
            if (request.RequestUri!.Query.Contains("continue=", StringComparison.Ordinal) && !compacted)
            {
                compacted = true;
                setup.CreateAsync("h").Wait();
                server.CompactAsync().Wait();
            }
            return null;
        };
        using var connection = new KubernetesConnection(setup.FaultyClient);
        var listing = await ResourceLister.ListAsync<V1ConfigMap>(connection, setup.Space, null, null, 2, CancellationToken.None);
        Assert.Equal(["a", "c", "d", "f", "g", "h"], listing.Items.Select(map => map.Metadata.Name).Order());
    }
}
