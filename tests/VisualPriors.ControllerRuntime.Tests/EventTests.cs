using System.Diagnostics;
using System.Net;
using k8s;
using k8s.Models;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

public sealed class EventTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly EventCorrelator _correlator = new();

    [Fact]
    public async Task Repeats_are_counted_on_one_event_that_names_its_object()
    {
        var server = await SharedServer.GetAsync();
        using var connection = KubernetesConnection.Create(server.Configuration());
        var space = await server.CreateNamespaceAsync();
        var map = await new ResourceClient<V1ConfigMap>(connection).CreateAsync(Make.ConfigMap(space, "one"));
        await using (var events = new EventRecorder(connection, "tests", Make.Log<EventRecorder>()))
        {
            for (var i = 0; i < 3; i++)
            {
                events.Warning(map, "Broken", "it broke");
            }
            events.Normal(map, "Mended", new string('x', 3000));
        }

        var written = (await new ResourceClient<Corev1Event>(connection).ListAsync(space)).OrderBy(item => item.Reason).ToList();
        Assert.Equal([("Warning", "Broken", "it broke", 3), ("Normal", "Mended", written[1].Message, 1)], written.Select(item => (item.Type, item.Reason, item.Message, item.Count!.Value)));
        Assert.Equal(1024, written[1].Message.Length);
        Assert.All(written, item => Assert.Equal(("ConfigMap", "one", map.Metadata.Uid, "tests"), (item.InvolvedObject.Kind, item.InvolvedObject.Name, item.InvolvedObject.Uid, item.Source.Component)));
    }

    [Fact]
    public async Task Recording_neither_waits_for_the_server_nor_throws()
    {
        using var faults = new FaultHandler { Hang = _ => true };
        var server = await SharedServer.GetAsync();
        using var client = new Kubernetes(server.Configuration(), faults);
        using var connection = new KubernetesConnection(client);
        var events = new EventRecorder(connection, "tests", Make.Log<EventRecorder>());

        for (var i = 0; i < 5000; i++)
        {
            events.Normal(Make.ConfigMap("space", $"map-{i}"), "Happened", "something happened");
        }
        events.Normal(null!, "Happened", "to nobody");

        var began = Stopwatch.GetTimestamp();
        await events.DisposeAsync();
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20), "the flush is bounded");
        Assert.Single(faults.Seen);
        events.Normal(Make.ConfigMap("space", "late"), "Happened", "after the end");
    }

    [Fact]
    public async Task An_event_that_the_server_has_forgotten_or_refuses_does_not_stop_the_next()
    {
        var server = await SharedServer.GetAsync();
        using var faults = new FaultHandler();
        using var connection = KubernetesConnection.CreateWith(server.Configuration(), [faults]);
        var space = await server.CreateNamespaceAsync();
        var map = await new ResourceClient<V1ConfigMap>(connection).CreateAsync(Make.ConfigMap(space, "one"));
        var client = new ResourceClient<Corev1Event>(connection);
        await using var events = new EventRecorder(connection, "tests", Make.Log<EventRecorder>());

        events.Normal(map, "Happened", "again and again");
        await Eventually.HoldsAsync(async () => (await client.ListAsync(space)).Count == 1, "the first");
        var first = Assert.Single(await client.ListAsync(space));
        await client.DeleteAsync(space, first.Metadata.Name);
        faults.Answer = request => request.Method == HttpMethod.Post && faults.Seen.Count(seen => seen.Method == HttpMethod.Post) == 3
            ? FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError")
            : null;
        events.Normal(map, "Refused", "by the server");
        events.Normal(map, "Happened", "again and again");

        await Eventually.HoldsAsync(async () => (await client.ListAsync(space)).Any(item => item is { Reason: "Happened", Count: 2 }), "the one that was forgotten");
        Assert.DoesNotContain(await client.ListAsync(space), item => item.Reason == "Refused");
    }

    [Fact]
    public void What_happens_again_much_later_is_a_new_event()
    {
        Assert.Equal(EventDecision.Create, Decide("a", "same", TimeSpan.Zero));
        Assert.Equal(EventDecision.Count, Decide("a", "same", TimeSpan.FromMinutes(10)));
        Assert.Equal(EventDecision.Create, Decide("a", "same", TimeSpan.FromMinutes(21)));
        Assert.Equal(EventDecision.Create, Decide("a", "other", TimeSpan.FromMinutes(21)));
        Assert.Equal(EventDecision.Create, Decide("b", "same", TimeSpan.FromMinutes(21)));
    }

    [Fact]
    public void An_object_has_a_rate_and_what_it_exceeds_is_counted_with_the_next()
    {
        Assert.Equal(25, Enumerable.Range(0, 100).Count(i => Decide("a", "same", TimeSpan.FromMilliseconds(i)) != EventDecision.Limit));
        Assert.Equal(EventDecision.Create, Decide("b", "same", TimeSpan.FromSeconds(1)));
        Assert.Equal(EventDecision.Limit, Decide("a", "other", TimeSpan.FromSeconds(50)));

        var (decision, written) = _correlator.Decide(At("a", "same", TimeSpan.FromSeconds(70)));
        Assert.Equal((EventDecision.Count, 101), (decision, written.Times));
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_the_newest_stays()
    {
        for (var i = 0; i < 10_000; i++)
        {
            Decide($"object-{i}", "same", TimeSpan.FromMilliseconds(i));
        }

        Assert.Equal(EventDecision.Count, Decide("object-9999", "same", TimeSpan.FromSeconds(11)));
        Assert.Equal(EventDecision.Create, Decide("object-0", "same", TimeSpan.FromSeconds(11)));
    }

    private EventDecision Decide(string name, string message, TimeSpan after) => _correlator.Decide(At(name, message, after)).Decision;

    private static RecordedEvent At(string name, string message, TimeSpan after) =>
        new(new EventSubject("v1", "ConfigMap", "space", name, name, after.ToString()), "Normal", "Reason", message, Start + after);
}
