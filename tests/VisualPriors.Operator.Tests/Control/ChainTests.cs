using System.Globalization;
using System.Net;
using k8s;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Runs;
using VisualPriors.Operator.Tests.Runs;

namespace VisualPriors.Operator.Tests.Control;

/// <summary>The operator against a real API server; pods end as the test says.</summary>
[Collection(ControlPlaneTests.Name)]
public sealed class ChainTests(ControlPlane plane)
{
    internal const string Pretrain = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata: {name: decoder}
        spec:
          model: {preset: nano}
          data: {corpus: corpus, mixture: {code: 1, math: 3}}
          training: {tokens: 64, sequenceLength: 8, globalBatchSize: 2}
          failurePolicy: {backoffSeconds: 1}
        """;

    private const string Align = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: AlignRun
        metadata: {name: projector}
        spec:
          from: {kind: PretrainRun, name: decoder}
          visionEncoder: encoder
          captions: captions
          visualTokens: 4
          training: {globalBatchSize: 2}
        """;

    [Fact]
    public async Task Runs_wait_for_each_other_whatever_came_first()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        await plane.Server.ApplyYamlAsync(Align, space);
        await plane.RunAsync<AlignRunEntity>(space, "projector", run => Reason(run, ConditionTypes.Queued) == "UpstreamNotFound");

        await plane.Server.ApplyYamlAsync(Pretrain, space);
        var first = await plane.PodAsync(space, "pretrain-decoder-1-0");
        await plane.RunAsync<AlignRunEntity>(space, "projector", run => Reason(run, ConditionTypes.Queued) == "WaitingForUpstream");
        await plane.SetRunningAsync(first);
        await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Phase == RunPhase.Running);
        await plane.SetEndedAsync(first, 0, Observations.Success);
        var decoder = await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Phase == RunPhase.Succeeded);
        Assert.Equal($"{plane.Store}/stages/{decoder.Status!.StageDigest}", decoder.Status.Artifact!.Address);

        var second = await plane.PodAsync(space, "align-projector-1-0");
        var plan = (await plane.Client.CoreV1.ListNamespacedConfigMapAsync(space)).Items.Single(map => map.Metadata.Labels["visualpriors.dev/kind"] == "AlignRun");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, plan.Data["plan.json"]);
        var read = PlanJson.Read(file);
        File.Delete(file);
        Assert.Equal(decoder.Status.Artifact.Address, read.Placement.Inputs[StageInputs.LanguageModel]);
        Assert.Equal(decoder.Status.StageDigest, read.Computation.Inputs[StageInputs.LanguageModel]);
        await plane.SetEndedAsync(second, 0, Observations.Success);
        await plane.RunAsync<AlignRunEntity>(space, "projector", run => run.Status?.Phase == RunPhase.Succeeded);

        var events = (await ControlPlane.EventuallyAsync(async () =>
            await plane.Client.CoreV1.ListNamespacedEventAsync(space) is { Items: var items } list && items.Count(e => e.Reason == "Succeeded") == 2 ? list : null)).Items;
        Assert.Contains(events, e => e is { Reason: "AttemptStarted", InvolvedObject: { Kind: "PretrainRun", Name: "decoder" } });
    }

    [Fact]
    public async Task An_attempt_that_failed_is_followed_by_another_once_its_pods_are_gone()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        await plane.Server.ApplyYamlAsync(Pretrain.Replace("failurePolicy:", "compute: {nodes: 2}\n  failurePolicy:", StringComparison.Ordinal), space);
        var pods = new[] { await plane.PodAsync(space, "pretrain-decoder-1-0"), await plane.PodAsync(space, "pretrain-decoder-1-1") };
        await plane.SetRunningAsync(pods[0]);
        await plane.SetEndedAsync(pods[1], 137);

        await plane.PodAsync(space, "pretrain-decoder-2-0");
        await plane.PodAsync(space, "pretrain-decoder-2-1");
        Assert.Equal(2, (await plane.PodsAsync(space)).Items.Count);
        var run = await plane.GetAsync<PretrainRunEntity>(space, "decoder");
        Assert.Equal((2, 1, "SIGKILL", "pretrain-decoder-1-1"), (run.Status!.Attempt, run.Status.Restarts, run.Status.Failure!.Signal, run.Status.Failure.Pod));
        Assert.Equal(2, (await plane.Client.CoreV1.ListNamespacedSecretAsync(space)).Items.Count);
        Assert.Single((await plane.Client.CoreV1.ListNamespacedServiceAsync(space)).Items);
    }

    [Fact]
    public async Task Of_two_runs_that_compute_the_same_one_waits_and_takes_the_other_s_artifact()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        await plane.Server.ApplyYamlAsync(Pretrain.Replace("tokens: 64", "tokens: 128", StringComparison.Ordinal), space);
        await plane.PodAsync(space, "pretrain-decoder-1-0");
        await plane.Server.ApplyYamlAsync(Pretrain.Replace("tokens: 64", "tokens: 128", StringComparison.Ordinal).Replace("name: decoder", "name: twin", StringComparison.Ordinal), space);
        var twin = await plane.RunAsync<PretrainRunEntity>(space, "twin", run => Reason(run, ConditionTypes.Queued) == "SameStage");

        await PublishStageAsync(twin.Status!.StageDigest!);
        await plane.SetEndedAsync(await plane.PodAsync(space, "pretrain-decoder-1-0"), 0, Observations.Success);
        twin = await plane.RunAsync<PretrainRunEntity>(space, "twin", run => run.Status?.Phase == RunPhase.Succeeded);
        Assert.True(twin.Status!.Artifact!.Reused);
        Assert.Null(twin.Status.Attempt);
    }

    [Fact]
    public async Task Of_many_runs_that_compute_the_same_and_come_at_once_one_starts()
    {
        const int Count = 12;
        var space = await plane.NamespaceAsync();
        var yaml = Pretrain.Replace("tokens: 64", "tokens: 1024", StringComparison.Ordinal);
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i =>
            plane.Server.ApplyYamlAsync(yaml.Replace("name: decoder", $"name: twin-{i}", StringComparison.Ordinal), space)));
        await using var @operator = plane.StartOperator(space);
        var twins = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => plane.RunAsync<PretrainRunEntity>(
            space, $"twin-{i}", run => run.Status?.Phase is RunPhase.Waiting or RunPhase.Starting)));

        var first = Assert.Single(twins, run => run.Status!.Phase == RunPhase.Starting);
        Assert.All(twins, run => Assert.Equal((first.Status!.StageDigest, run == first ? 1 : null), (run.Status!.StageDigest, run.Status.Attempt)));
        var pod = await plane.PodAsync(space, $"pretrain-{first.Metadata.Name}-1-0");
        Assert.Single((await plane.PodsAsync(space)).Items);

        await PublishStageAsync(first.Status!.StageDigest!);
        await plane.SetEndedAsync(pod, 0, Observations.Success);
        await Task.WhenAll(twins.Select(twin => plane.RunAsync<PretrainRunEntity>(space, twin.Metadata.Name, run => run.Status?.Phase == RunPhase.Succeeded)));
        Assert.Single((await plane.PodsAsync(space)).Items);
    }

    [Fact]
    public async Task No_pod_is_made_before_its_attempt_is_written()
    {
        static bool Is(HttpRequestMessage request, HttpMethod method, string end) =>
            request.Method == method && request.RequestUri!.AbsolutePath.EndsWith(end, StringComparison.Ordinal);
        static bool IsStatus(HttpRequestMessage request) => Is(request, HttpMethod.Patch, "/status");
        static bool IsPod(HttpRequestMessage request) => Is(request, HttpMethod.Post, "/pods");

        // The first write is refused, the second one arrives and its answer does not.
        var writes = 0;
        using var faults = new FaultHandler
        {
            Answer = request => IsStatus(request) && Interlocked.Increment(ref writes) == 1
                ? FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError")
                : null,
            LoseAnswer = request => IsStatus(request) && Volatile.Read(ref writes) == 2,
        };
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space, handler: faults);
        await plane.Server.ApplyYamlAsync(Pretrain.Replace("tokens: 64", "tokens: 2048", StringComparison.Ordinal), space);
        await plane.PodAsync(space, "pretrain-decoder-1-0");
        Assert.InRange(faults.Seen.TakeWhile(request => !IsPod(request)).Count(IsStatus), 2, int.MaxValue);
        Assert.Equal(1, (await plane.GetAsync<PretrainRunEntity>(space, "decoder")).Status!.Attempt);
        Assert.Single((await plane.PodsAsync(space)).Items);
    }

    [Fact]
    public async Task The_fence_rises_where_a_run_is_deleted_half_way_and_made_anew_under_its_name()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        var yaml = Pretrain.Replace("tokens: 64", "tokens: 4096", StringComparison.Ordinal);
        var fences = new List<long>();
        for (var i = 0; i < 4; i++)
        {
            await plane.Server.ApplyYamlAsync(yaml, space);
            var pod = await plane.PodAsync(space, "pretrain-decoder-1-0");
            fences.Add(long.Parse(pod.Spec.Containers[0].Env.Single(variable => variable.Name == TrainerVariables.Fence).Value, CultureInfo.InvariantCulture));
            await plane.SetRunningAsync(pod);
            var run = await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Phase == RunPhase.Running);
            Assert.Equal(fences[i], run.Status!.AttemptTime!.Value.ToUnixTimeMilliseconds());

            // The garbage collector's part: what the run owns goes with it.
            (await plane.Server.SendAsync(HttpMethod.Delete, $"apis/visualpriors.dev/v1alpha1/namespaces/{space}/pretrainruns/decoder")).Dispose();
            await plane.Client.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, space);
        }

        Assert.Equal(fences.Distinct().Order(), fences);
    }

    [Fact]
    public async Task A_run_is_suspended_and_resumed()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        var yaml = Pretrain.Replace("tokens: 64", "tokens: 256", StringComparison.Ordinal);
        await plane.Server.ApplyYamlAsync(yaml, space);
        await plane.SetRunningAsync(await plane.PodAsync(space, "pretrain-decoder-1-0"));
        await plane.Server.ApplyYamlAsync(yaml + "\n  suspend: true", space);
        await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Phase == RunPhase.Suspended);
        await ControlPlane.EventuallyAsync(async () => (await plane.PodsAsync(space)) is { Items.Count: 0 } none ? none : null);
        await plane.Server.ApplyYamlAsync(yaml + "\n  suspend: false", space);
        await plane.PodAsync(space, "pretrain-decoder-2-0");
        Assert.Equal(0, (await plane.GetAsync<PretrainRunEntity>(space, "decoder")).Status!.Restarts ?? 0);
    }

    [Fact]
    public async Task An_operator_that_starts_anew_finds_everything_as_it_was()
    {
        var space = await plane.NamespaceAsync();
        var yaml = Pretrain.Replace("tokens: 64", "tokens: 512", StringComparison.Ordinal).Replace("failurePolicy:", "compute: {nodes: 2}\n  failurePolicy:", StringComparison.Ordinal);
        await using (plane.StartOperator(space))
        {
            await plane.Server.ApplyYamlAsync(yaml, space);
            await plane.PodAsync(space, "pretrain-decoder-1-1");
        }

        var before = (await plane.PodsAsync(space)).Items.Select(pod => pod.Metadata.Uid).Order();
        await using (plane.StartOperator(space))
        {
            // What ended while nobody looked is seen.
            await plane.SetEndedAsync(await plane.PodAsync(space, "pretrain-decoder-1-0"), 0, Observations.Success);
            await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => run.Status?.Phase == RunPhase.Succeeded);
        }

        Assert.Equal(before, (await plane.PodsAsync(space)).Items.Select(pod => pod.Metadata.Uid).Order());
    }

    [Fact]
    public async Task A_run_whose_data_is_missing_says_which_field_names_it()
    {
        var space = await plane.NamespaceAsync();
        await using var @operator = plane.StartOperator(space);
        await plane.Server.ApplyYamlAsync(Pretrain.Replace("corpus: corpus", "corpus: nowhere", StringComparison.Ordinal), space);
        var run = await plane.RunAsync<PretrainRunEntity>(space, "decoder", run => Reason(run, ConditionTypes.Queued) == "DataNotFound");
        Assert.Contains("spec.data.corpus: found 'nowhere'", Conditions.Find(run.Status!.Conditions, ConditionTypes.Queued)!.Message, StringComparison.Ordinal);
    }

    private async Task PublishStageAsync(string digest)
    {
        var folder = Directory.CreateTempSubdirectory("vp-stage-").FullName;
        using (var writer = new Storage.ArtifactWriter(Path.Combine(folder, digest)))
        {
            await File.WriteAllTextAsync(writer.PathOf("weights.txt"), "weights");
            await Storage.ArtifactStore.PublishAsync(writer.Commit(ArtifactKind.Pretrain, digest, Observations.Success), $"{plane.Store}/stages/{digest}", default);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static string? Reason(RunEntity run, string type) =>
        Conditions.Find(run.Status?.Conditions, type) is { IsTrue: true } condition ? condition.Reason : null;
}
