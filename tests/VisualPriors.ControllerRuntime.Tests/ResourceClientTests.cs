using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

public sealed class ResourceClientTests
{
    [Fact]
    public async Task What_is_applied_can_be_read_and_what_is_no_longer_applied_goes()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<Widget>(connection);
        var space = await server.CreateNamespaceAsync();
        var widget = Widget.Named(space, "one", 3);
        widget.Spec = widget.Spec with { Colour = "red" };

        var created = await client.ApplyAsync(widget, "tests");
        widget.Spec = widget.Spec with { Colour = null };
        var changed = await client.ApplyAsync(widget, "tests");

        Assert.Equal("red", created.Spec.Colour);
        Assert.Null(changed.Spec.Colour);
        Assert.Null(changed.Metadata.ManagedFields);
        Assert.Equal(3, (await client.GetAsync(space, "one"))!.Spec.Size);
        Assert.Null(await client.GetAsync(space, "two"));
    }

    [Fact]
    public async Task A_status_is_applied_apart_from_the_rest_and_only_to_the_object_that_was_meant()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<Widget>(connection);
        var space = await server.CreateNamespaceAsync();
        var created = await client.CreateAsync(Widget.Named(space, "one", 3));

        created.Status = new WidgetStatus { Phase = "Running" };
        created.Spec = new WidgetSpec { Size = 99 };
        created.Metadata.ResourceVersion = null;
        var written = await client.ApplyStatusAsync(created, "status");

        Assert.Equal(("Running", 3), (written.Status!.Phase, written.Spec.Size));
        created.Metadata.Uid = Guid.NewGuid().ToString();
        var refused = await Assert.ThrowsAsync<KubernetesApiException>(() => client.ApplyStatusAsync(created, "status"));
        Assert.True(refused.IsConflict, refused.Message);
    }

    [Fact]
    public async Task A_delete_says_whether_the_object_is_gone_or_ending()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<Widget>(connection);
        var space = await server.CreateNamespaceAsync();
        var plain = await client.CreateAsync(Widget.Named(space, "plain"));
        var held = Widget.Named(space, "held");
        held.Metadata.Finalizers = ["test.visualpriors.dev/hold"];
        await client.CreateAsync(held);

        var conflict = await Assert.ThrowsAsync<KubernetesApiException>(
            () => client.DeleteAsync(space, "plain", new DeleteRequest { Uid = Guid.NewGuid().ToString() }));
        Assert.True(conflict.IsConflict, conflict.Message);
        Assert.Null(await client.DeleteAsync(space, "plain", new DeleteRequest { Uid = plain.Metadata.Uid }));
        Assert.NotNull((await client.DeleteAsync(space, "held"))?.Metadata.DeletionTimestamp);
        Assert.Null(await client.DeleteAsync(space, "never-was"));
    }

    [Fact]
    public async Task A_pod_that_never_ran_is_gone_at_once_and_one_on_a_node_ends_first()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<V1Pod>(connection);
        var space = await server.CreateNamespaceAsync();
        V1Pod Pod(string name, string? node) => new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = space },
            Spec = new V1PodSpec { NodeName = node, Containers = [new V1Container { Name = "main", Image = "none" }] },
        };
        await client.CreateAsync(Pod("waiting", null));
        await client.CreateAsync(Pod("placed", "node"));

        Assert.Null(await client.DeleteAsync(space, "waiting"));
        Assert.NotNull(await client.DeleteAsync(space, "placed"));
        Assert.Null(await client.DeleteAsync(space, "placed", new DeleteRequest { GracePeriod = TimeSpan.Zero }));
        Assert.Empty(await client.ListAsync(space));
    }

    [Fact]
    public async Task A_json_patch_whose_test_fails_changes_nothing()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<V1ConfigMap>(connection);
        var space = await server.CreateNamespaceAsync();
        var created = await client.CreateAsync(Make.ConfigMap(space, "one"));
        JsonPatchOperation[] Patch(string? version) =>
            [new("test", "/metadata/resourceVersion", JsonValue.Create(version)), new("replace", "/data/value", JsonValue.Create("2"))];

        var refused = await Assert.ThrowsAsync<KubernetesApiException>(() => client.PatchJsonAsync(space, "one", Patch("1")));
        Assert.True(refused.IsInvalid, refused.Message);
        Assert.Equal("1", (await client.GetAsync(space, "one"))!.Data["value"]);
        Assert.Equal("2", (await client.PatchJsonAsync(space, "one", Patch(created.Metadata.ResourceVersion))).Data["value"]);
    }

    [Fact]
    public async Task A_conflict_says_so()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<V1ConfigMap>(connection);
        var space = await server.CreateNamespaceAsync();
        await client.CreateAsync(Make.ConfigMap(space, "one"));

        var taken = await Assert.ThrowsAsync<KubernetesApiException>(() => client.CreateAsync(Make.ConfigMap(space, "one")));

        Assert.True(taken is { IsConflict: true, IsAlreadyExists: true }, taken.Message);
        Assert.Contains("already exists", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_put_off_by_the_server_is_sent_again_after_the_wait_it_asked_for()
    {
        var server = await SharedServer.GetAsync();
        var waits = 0;
        using var faults = new FaultHandler
        {
            Answer = _ => Interlocked.Increment(ref waits) <= 2 ? FaultHandler.Status(HttpStatusCode.TooManyRequests, "TooManyRequests", TimeSpan.FromSeconds(30)) : null,
        };
        var time = new ManualTimeProvider();
        using var client = new Kubernetes(server.Configuration(), faults);
        using var connection = new KubernetesConnection(client, time);
        var read = new ResourceClient<V1Namespace>(connection).GetAsync(null, "default");

        // Each request has a timer of its own besides the wait's.
        await Eventually.HoldsAsync(() => faults.Seen.Count == 1 && time.PendingTimers == 1, "the first wait");
        time.Advance(TimeSpan.FromSeconds(29));
        await Task.Delay(50);
        Assert.Single(faults.Seen);
        time.Advance(TimeSpan.FromSeconds(9));
        await Eventually.HoldsAsync(() => faults.Seen.Count == 2 && time.PendingTimers == 1, "the second wait");
        time.Advance(TimeSpan.FromSeconds(38));

        Assert.Equal("default", (await read)!.Metadata.Name);
        Assert.Equal(3, faults.Seen.Count);
    }

    [Fact]
    public async Task A_refusal_without_a_wait_is_not_repeated()
    {
        var server = await SharedServer.GetAsync();
        using var faults = new FaultHandler { Answer = _ => FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError") };
        using var client = new Kubernetes(server.Configuration(), faults);
        using var connection = new KubernetesConnection(client);

        var error = await Assert.ThrowsAsync<KubernetesApiException>(() => new ResourceClient<V1Namespace>(connection).GetAsync(null, "default"));

        Assert.Equal(HttpStatusCode.InternalServerError, error.StatusCode);
        Assert.Single(faults.Seen);
    }

    [Fact]
    public async Task A_request_that_is_never_answered_ends_by_its_bound()
    {
        var server = await SharedServer.GetAsync();
        using var faults = new FaultHandler { Hang = _ => true };
        var time = new ManualTimeProvider();
        using var client = new Kubernetes(server.Configuration(), faults);
        using var connection = new KubernetesConnection(client, time);
        var read = new ResourceClient<V1Namespace>(connection).GetAsync(null, "default");

        await Eventually.HoldsAsync(() => faults.Seen.Count == 1, "the request");
        time.Advance(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAsync<TimeoutException>(() => read);
    }

    [Fact]
    public async Task More_objects_than_a_page_holds_are_all_listed()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var client = new ResourceClient<V1ConfigMap>(connection);
        var space = await server.CreateNamespaceAsync();
        for (var i = 0; i < 23; i++)
        {
            await client.CreateAsync(Make.ConfigMap(space, $"map-{i:00}"));
        }

        var listing = await ResourceLister.ListAsync<V1ConfigMap>(connection, space, null, null, pageSize: 5, CancellationToken.None);

        Assert.Equal(Enumerable.Range(0, 23).Select(i => $"map-{i:00}"), listing.Items.Select(item => item.Metadata.Name).Order(StringComparer.Ordinal));
        Assert.All(listing.Items, item => Assert.Equal("ConfigMap", item.Kind));
    }
}
