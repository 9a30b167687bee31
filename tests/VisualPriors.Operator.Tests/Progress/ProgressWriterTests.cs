using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Progress;

namespace VisualPriors.Operator.Tests.Progress;

public sealed class ProgressWriterTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly PretrainRunEntity Run = Entity("decoder");

    /// <summary>Has something new in each round, so its writes count the rounds.</summary>
    private static readonly PretrainRunEntity Metronome = Entity("metronome");

    [Fact]
    public async Task A_report_whose_write_fails_for_a_while_is_written_later_and_no_more()
    {
        var writes = await AnswersAsync(
            () => FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError"),
            () => throw new TimeoutException("injected"),
            () => throw new HttpRequestException("injected"),
            () => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("not what was asked for", Encoding.UTF8, "application/json") },
            Written);
        Assert.Equal(["10/10", "10/10", "10/10", "10/10", "10/10"], writes);
    }

    [Fact]
    public async Task A_report_that_is_refused_is_not_written_again()
    {
        Assert.Single(await AnswersAsync(() => FaultHandler.Status(HttpStatusCode.NotFound, "NotFound")));
        Assert.Single(await AnswersAsync(() => FaultHandler.Status(HttpStatusCode.UnprocessableEntity, "Invalid")));
    }

    /// <summary>The steps that each write of a report said, where the server answers so, over more rounds than it has answers.</summary>
    private static async Task<string[]> AnswersAsync(params Func<HttpResponseMessage>[] answers)
    {
        var (writes, rounds) = (new ConcurrentQueue<string>(), 0);
        using var faults = new FaultHandler
        {
            Answer = request =>
            {
                if (request.RequestUri!.AbsolutePath.Contains(Metronome.Metadata.Name, StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref rounds);
                    return Written();
                }

                writes.Enqueue((string)JsonNode.Parse(request.Content!.ReadAsStream())!["status"]!["progress"]!["steps"]!);
                return writes.Count <= answers.Length ? answers[writes.Count - 1]() : Written();
            },
        };
        var time = new ManualTimeProvider();
        using var client = new Kubernetes(new KubernetesClientConfiguration { Host = "http://localhost:1" }, faults);
        using var connection = new KubernetesConnection(client);
        var writer = new ProgressWriter(connection, Interval, time, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var writing = writer.RunAsync(stop.Token);
        Assert.True(writer.Offer(Run, 1, new ProgressReport { Phase = "saving", Step = 10, TotalSteps = 10 }));
        for (var round = 1; round <= answers.Length + 3; round++)
        {
            Assert.True(writer.Offer(Metronome, 1, new ProgressReport { Phase = "training", Step = round, TotalSteps = 99 }));
            time.Advance(Interval);
            while (Volatile.Read(ref rounds) < round && !writing.IsCompleted)
            {
                await Task.Delay(5);
            }
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        return [.. writes];
    }

    private static PretrainRunEntity Entity(string name) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "team", Uid = name },
        Status = new RunStatus { Attempt = 1 },
    };

    private static HttpResponseMessage Written() => new(HttpStatusCode.OK)
    {
        Content = new StringContent("""{"apiVersion":"visualpriors.dev/v1alpha1","kind":"PretrainRun","metadata":{"name":"decoder","resourceVersion":"1"}}""", Encoding.UTF8, "application/json"),
    };
}
