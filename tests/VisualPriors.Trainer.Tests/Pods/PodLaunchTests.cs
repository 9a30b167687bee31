using System.Text.Json;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Storage;
using VisualPriors.Storage.Tests.Faults;
using VisualPriors.Storage.Tests.Objects;
using VisualPriors.Trainer.Tests.Faults;

namespace VisualPriors.Trainer.Tests.Pods;

/// <summary>The real trainer as a pod runs it: inputs and artifact in an object store, everything else told by its environment.</summary>
public sealed class PodLaunchTests : IDisposable
{
    private static readonly CheckpointSpec Often = new() { EverySteps = 60 };
    private readonly TinyRun _run = new();
    private readonly string _root;
    private readonly string _store;
    private readonly string _corpus;
    private int _pods;

    public PodLaunchTests()
    {
        _root = Path.Combine(_run.Root, "cluster");
        _store = $"file://{_root}/store";
        _corpus = $"{StagePlaces.DataOf(_store)}/corpus";
        ArtifactStore.PublishAsync(Artifact.Open(_run.Corpus), _corpus, default).GetAwaiter().GetResult();
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_stage_is_fetched_trained_published_reported_and_left_in_order()
    {
        await using var server = new ReportServer();
        var (token, port) = (Path.Combine(_run.Root, "token"), ReportServer.FreePort());
        await File.WriteAllTextAsync(token, "secret");
        Assert.Equal(0, (await _run.Start("local", new ComputeSpec(), Often).EndAsync()).ExitCode);

        StagePlan? plan = null;
        var pod = Pod(("VISUALPRIORS_REPORT_ADDRESS", $"{server.Address}"), ("VISUALPRIORS_REPORT_TOKEN_FILE", token), ("VISUALPRIORS_METRICS_PORT", $"{port}"));
        var attempt = _run.Start("pod", new ComputeSpec { ProcessesPerNode = 2 }, Often, environment: pod, change: local => plan = InStore(local));
        attempt.WaitForStep(100);
        using var client = new HttpClient();
        var metrics = await client.GetStringAsync($"http://127.0.0.1:{port}/metrics");
        var (exitCode, outcome) = await attempt.EndAsync();

        Assert.True(exitCode == 0, attempt.Log);
        var stored = await ArtifactStore.TryReadManifestAsync(plan!.Placement.Output, default);
        Assert.Equal((stored!.Digest, StageDigest.Of(plan.Computation)), (outcome!.ArtifactDigest, stored.Manifest.StageDigest));
        Assert.True(PlanJson.TryReadOutcome(await File.ReadAllTextAsync(pod["VISUALPRIORS_TERMINATION_MESSAGE"]), out var left));
        Assert.Equal((StageResult.Succeeded, stored.Digest), (left.Result, left.ArtifactDigest));
        var fetched = await ArtifactStore.FetchAsync(plan.Placement.Output, Path.Combine(_run.Root, "fetched"), _ => { }, default);
        // What is published says nothing of this node's folders.
        Assert.Equal(PlanJson.Write(plan), await File.ReadAllBytesAsync(fetched.PathOf("plan.json")));
        Assert.All(Losses(Path.Combine(_run.Root, "local")).Zip(Losses(fetched.Directory)), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
        Assert.Empty(Checkpoints());

        Assert.All(server.Received, received => Assert.Equal("Bearer secret", received.Authorization));
        Assert.Equal(("loading", "saving"), (server.Received.First().Report.Phase, server.Received.Last().Report.Phase));
        Assert.Contains("""visualpriors_training_loss{namespace="lab",kind="PretrainRun",run="decoder"}""", metrics, StringComparison.Ordinal);
        Assert.Contains("""visualpriors_training_attempt{namespace="lab",kind="PretrainRun",run="decoder"} 1""", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_that_another_attempt_has_finished_is_not_computed_again()
    {
        Assert.Equal(0, (await Start("pod").EndAsync()).ExitCode);
        var outcome = (await Start("pod", Pod(("VISUALPRIORS_ATTEMPT", "2"))).EndAsync()).Outcome!;
        var again = Start("pod", Pod(("VISUALPRIORS_ATTEMPT", "3")), plan => plan with
        {
            Placement = plan.Placement with { Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = _corpus + "-that-is-gone" } },
        });
        var (exitCode, last) = await again.EndAsync();

        Assert.True(exitCode == 0, again.Log);
        Assert.Equal((StageResult.Succeeded, outcome.ArtifactDigest, outcome.Seconds), (last!.Result, last.ArtifactDigest, last.Seconds));
        Assert.NotEmpty(last.Results!);
    }

    [Theory]
    [InlineData("digest", "as the plan says of input 'corpus'")]
    [InlineData("missing", "no artifact")]
    [InlineData("scratch", "VISUALPRIORS_SCRATCH")]
    public async Task An_input_that_is_not_the_plans_is_refused_before_anything_is_computed(string mistake, string message)
    {
        var pod = Pod();
        if (mistake == "scratch")
        {
            pod.Remove("VISUALPRIORS_SCRATCH");
        }

        var attempt = Start("pod", pod, plan => mistake switch
        {
            "digest" => plan with
            {
                Computation = plan.Computation with { Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = new string('a', 64) } },
            },
            "missing" => plan with
            {
                Placement = plan.Placement with { Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = _corpus + "s" } },
            },
            _ => plan,
        });
        var (exitCode, outcome) = await attempt.EndAsync();

        Assert.Equal((2, StageResult.UserError), (exitCode, outcome!.Result));
        Assert.Contains(message, outcome.Message, StringComparison.Ordinal);
        Assert.True(PlanJson.TryReadOutcome(await File.ReadAllTextAsync(pod["VISUALPRIORS_TERMINATION_MESSAGE"]), out var left));
        Assert.Equal(outcome.Message, left.Message);
    }

    [Fact]
    public async Task What_lies_at_the_artifacts_place_but_is_another_stages_is_left_alone()
    {
        StagePlan? plan = null;
        Assert.Equal(0, (await Start("pod", change: first => plan = first).EndAsync()).ExitCode);

        var other = Start("other", change: second => second with
        {
            Computation = second.Computation with { Seed = 8 },
            Placement = second.Placement with { Output = plan!.Placement.Output },
        });
        var (exitCode, outcome) = await other.EndAsync();

        Assert.Equal(2, exitCode);
        Assert.Contains($"stage {StageDigest.Of(plan!.Computation)}", outcome!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGTERM_while_inputs_are_fetched_ends_the_attempt()
    {
        await using var azurite = await Azurite.StartAsync();
        await using var proxy = new FaultProxy(azurite.Port, _ => new Fault.Hang());
        var attempt = Start(
            "pod",
            Pod(("AZURE_STORAGE_CONNECTION_STRING", Azurite.ConnectionString(proxy.Port))),
            plan => plan with
            {
                Placement = plan.Placement with { Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = $"azblob://{Azurite.Account}/data/corpus" } },
            });
        attempt.WaitFor(progress => progress.Phase == "loading");

        TrainerRun.Signal(attempt.LauncherId, "TERM");

        Assert.Equal((130, StageResult.Interrupted), await ResultOf(attempt));
    }

    [Fact]
    public async Task SIGTERM_while_training_saves_and_the_next_attempt_goes_on()
    {
        var never = new CheckpointSpec { EverySteps = 0 };
        var first = Start("pod", policy: never);
        first.WaitForStep(20);
        TrainerRun.Signal(first.LauncherId, "TERM");
        Assert.Equal((130, StageResult.Interrupted), await ResultOf(first));
        Assert.NotEmpty(Checkpoints());

        var second = Start("pod", Pod(("VISUALPRIORS_ATTEMPT", "2")), policy: never);

        Assert.True(second.WaitFor(progress => progress.Phase == "resuming").Step >= 20);
        Assert.Equal((0, StageResult.Succeeded), await ResultOf(second));
        Assert.Empty(Checkpoints());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3600)]
    public async Task A_publication_has_the_grace_and_no_more_when_the_pod_is_to_end(int graceSeconds)
    {
        await using var azurite = await Azurite.StartAsync();
        var isSlow = graceSeconds > 1;
        // The store takes files and then no manifest, or takes a while for it.
        await using var proxy = new FaultProxy(azurite.Port, line =>
            line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("artifact.json", StringComparison.Ordinal) ? isSlow ? new Fault.Throttle(2000) : new Fault.Hang() : new Fault.None());
        var attempt = Start(
            "pod",
            Pod(("AZURE_STORAGE_CONNECTION_STRING", Azurite.ConnectionString(proxy.Port)), ("VISUALPRIORS_GRACE_SECONDS", $"{graceSeconds}")),
            plan => plan with { Placement = plan.Placement with { Output = $"azblob://{Azurite.Account}/stages/tiny" } });
        attempt.WaitFor(progress => progress.Phase == "saving");

        TrainerRun.Signal(attempt.LauncherId, "TERM");

        Assert.Equal(isSlow ? (0, StageResult.Succeeded) : (130, StageResult.Interrupted), await ResultOf(attempt));
    }

    [Fact]
    public async Task A_store_that_refuses_fails_the_attempt_so_that_it_is_tried_again()
    {
        await using var azurite = await Azurite.StartAsync();
        await using var proxy = new FaultProxy(azurite.Port, _ => new Fault.Status(403, "Forbidden"));
        var attempt = Start(
            "pod",
            Pod(("AZURE_STORAGE_CONNECTION_STRING", Azurite.ConnectionString(proxy.Port))),
            plan => plan with { Placement = plan.Placement with { Output = $"azblob://{Azurite.Account}/stages/tiny" } });

        Assert.Equal((1, StageResult.Failed), await ResultOf(attempt));
    }

    [Fact]
    public async Task Two_nodes_with_a_scratch_folder_each_give_what_one_gives()
    {
        Assert.Equal(0, (await _run.Start("local", new ComputeSpec(), Often).EndAsync()).ExitCode);
        var (port, compute) = (ReportServer.FreePort(), new ComputeSpec { Nodes = 2, ProcessesPerNode = 1 });
        StagePlan? plan = null;
        var nodes = Enumerable.Range(0, 2).Select(node => Start(
            "pod",
            Pod(
                ("NODE_RANK", $"{node}"), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", $"{port}"),
                ("VISUALPRIORS_RENDEZVOUS_TOKEN", "0123456789abcdef0123456789abcdef")),
            stored => plan = stored,
            compute: compute)).ToList();

        foreach (var node in nodes)
        {
            Assert.Equal((0, StageResult.Succeeded), await ResultOf(node));
        }

        var fetched = await ArtifactStore.FetchAsync(plan!.Placement.Output, Path.Combine(_run.Root, "fetched"), _ => { }, default);
        Assert.All(Losses(Path.Combine(_run.Root, "local")).Zip(Losses(fetched.Directory)), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    [Fact]
    public async Task Logs_for_machines_are_JSON_to_the_last_line_with_run_attempt_and_rank()
    {
        var attempt = Start("pod", Pod(("VISUALPRIORS_LOG_FORMAT", "json")));
        Assert.Equal((0, StageResult.Succeeded), await ResultOf(attempt));

        var events = attempt.Log.Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();

        Assert.All(events, one => Assert.Equal(("lab/PretrainRun/decoder", 1), (one.GetProperty("Run").GetString(), one.GetProperty("Attempt").GetInt64())));
        Assert.Contains(events, one => one.TryGetProperty("Rank", out var rank) && rank.GetInt64() == 0);
        Assert.Contains(events, one => !one.TryGetProperty("Rank", out _));
    }

    private static async Task<(int ExitCode, StageResult? Result)> ResultOf(TrainerRun attempt)
    {
        var (exitCode, outcome) = await attempt.EndAsync();
        return (exitCode, outcome?.Result);
    }

    private static double[] Losses(string artifact) => [.. File.ReadLines(Path.Combine(artifact, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Where(line => line.TryGetProperty("loss", out _))
        .Select(line => line.GetProperty("loss").GetDouble())];

    /// <summary>Objects of checkpoints; the store's own files begin with a dot.</summary>
    private IEnumerable<string> Checkpoints() =>
        Directory.GetFiles(Path.Combine(_root, "store", "checkpoints"), "*", SearchOption.AllDirectories).Where(path => !path.Contains("/.", StringComparison.Ordinal));

    private StagePlan InStore(StagePlan plan)
    {
        var (places, digest) = (StagePlaces.InStore(_store), StageDigest.Of(plan.Computation));
        return plan with
        {
            Placement = plan.Placement with
            {
                Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = _corpus },
                Output = places.ArtifactOf(digest),
                Checkpoints = plan.Placement.Checkpoints! with { Address = places.CheckpointsOf(digest) },
            },
        };
    }

    private TrainerRun Start(
        string name,
        Dictionary<string, string>? pod = null,
        Func<StagePlan, StagePlan>? change = null,
        CheckpointSpec? policy = null,
        ComputeSpec? compute = null) =>
        _run.Start(
            name, compute ?? new ComputeSpec(), policy ?? Often, environment: pod ?? Pod(), change: plan => change is null ? InStore(plan) : change(InStore(plan)));

    private Dictionary<string, string> Pod(params (string Name, string Value)[] more)
    {
        var number = Interlocked.Increment(ref _pods);
        var scratch = Directory.CreateDirectory(Path.Combine(_root, $"scratch-{number}")).FullName;
        var variables = new Dictionary<string, string>
        {
            ["VISUALPRIORS_SCRATCH"] = scratch,
            ["VISUALPRIORS_ATTEMPT"] = "1",
            ["VISUALPRIORS_RUN"] = "lab/PretrainRun/decoder",
            ["VISUALPRIORS_TERMINATION_MESSAGE"] = Path.Combine(_root, $"termination-{number}"),
        };
        foreach (var (name, value) in more)
        {
            variables[name] = value;
        }

        return variables;
    }
}
