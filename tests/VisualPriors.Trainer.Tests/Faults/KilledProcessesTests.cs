using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Trainer.Tests.Faults;

/// <summary>Whatever is killed, and whenever: the next attempt ends where an undisturbed one does, to the bit.</summary>
public sealed class KilledProcessesTests : IClassFixture<KilledProcessesTests.Undisturbed>, IDisposable
{
    private static readonly ComputeSpec TwoRanks = new() { ProcessesPerNode = 2 };
    private static readonly CheckpointSpec EverySave = new() { EverySteps = 1, KeepLast = 2 };
    private static readonly CheckpointSpec SomeSaves = new() { EverySteps = 20, KeepLast = 2, KeepEverySteps = 60 };
    private readonly TinyRun _run = new();
    private readonly Undisturbed _undisturbed;

    public KilledProcessesTests(Undisturbed undisturbed) => _undisturbed = undisturbed;

    public void Dispose() => _run.Dispose();

    [Fact]
    public void One_process_and_two_train_alike()
    {
        Assert.Equal(_undisturbed.OneRank.Metrics.Length, _undisturbed.TwoRanks.Metrics.Length);
        Assert.Equal(TinyRun.Steps, Losses(_undisturbed.OneRank.Metrics).Length);
        Assert.All(
            Losses(_undisturbed.OneRank.Metrics).Zip(Losses(_undisturbed.TwoRanks.Metrics)),
            pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    [Theory]
    [InlineData(0, 37, 20)]
    [InlineData(1, 111, 20)]
    [InlineData(0, 60, 1)] // saving all the time: it dies in the middle of a save
    [InlineData(1, 61, 1)]
    public async Task A_killed_rank_is_named_and_the_next_attempt_ends_as_if_nothing_had_been(int rank, int step, int everySteps)
    {
        var policy = everySteps == 1 ? EverySave : SomeSaves;
        var first = _run.Start("killed", TwoRanks, policy);
        // Saving goes on beside training: on a busy machine the first checkpoint may come late.
        first.WaitFor(progress => progress.Step >= step && progress.CheckpointStep is not null);
        TrainerRun.Signal(first.RankId(rank), "KILL");
        var (exitCode, outcome) = await first.EndAsync();

        Assert.Equal(TrainerExitCode.Of(StageResult.Failed), exitCode);
        Assert.Equal((rank, "SIGKILL"), (outcome!.Failure!.Rank, outcome.Failure.Signal));
        first.WaitForRanksToEnd();

        var second = _run.Start("killed", TwoRanks, policy);
        Assert.Equal("resuming", second.WaitFor(_ => true).Phase);
        Assert.Equal(0, (await second.EndAsync()).ExitCode);
        AssertUndisturbed("killed");
    }

    [Fact]
    public async Task A_killed_launcher_takes_its_ranks_along_and_the_next_attempt_goes_on()
    {
        var first = _run.Start("orphaned", TwoRanks, SomeSaves);
        first.WaitForStep(50);
        TrainerRun.Signal(first.LauncherId, "KILL");
        first.WaitForRanksToEnd();

        var second = _run.Start("orphaned", TwoRanks, SomeSaves);
        Assert.Equal("resuming", second.WaitFor(_ => true).Phase);
        Assert.Equal(0, (await second.EndAsync()).ExitCode);
        AssertUndisturbed("orphaned");
    }

    [Fact]
    public async Task Asked_to_stop_all_ranks_save_one_step_and_the_next_attempt_goes_on_from_it()
    {
        var first = _run.Start("stopped", TwoRanks, new CheckpointSpec { EverySteps = 0 });
        first.WaitForStep(30);
        TrainerRun.Signal(first.LauncherId, "TERM");
        var (exitCode, outcome) = await first.EndAsync();

        Assert.Equal(130, exitCode);
        Assert.Matches("stopped on request after step [0-9]+; its checkpoint is saved", outcome!.Message);

        var second = _run.Start("stopped", TwoRanks, new CheckpointSpec { EverySteps = 0 });
        var resumed = second.WaitFor(_ => true);
        Assert.Equal("resuming", resumed.Phase);
        Assert.Contains($"after step {resumed.Step};", outcome.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await second.EndAsync()).ExitCode);
        AssertUndisturbed("stopped");
    }

    [Fact]
    public async Task A_rank_that_hangs_ends_the_others_with_a_flight_record_and_the_code_for_a_lost_peer()
    {
        var records = Path.Combine(_run.Root, "records");
        Directory.CreateDirectory(records);
        var first = _run.Start("hung", TwoRanks, SomeSaves, environment: new Dictionary<string, string>
        {
            ["VISUALPRIORS_COLLECTIVE_TIMEOUT_SECONDS"] = "5",
            ["VISUALPRIORS_FLIGHT_RECORDS"] = records,
        });
        first.WaitForStep(30);
        TrainerRun.Signal(first.RankId(1), "STOP");
        var (exitCode, outcome) = await first.EndAsync();

        Assert.Equal(TrainerExitCode.Of(StageResult.PeerLost), exitCode);
        Assert.Equal(StageResult.PeerLost, outcome!.Result);
        Assert.True(File.Exists(Path.Combine(records, "flight-record-rank-0.json")), first.Log);
    }

    [Fact]
    public async Task A_later_attempt_elsewhere_ends_an_earlier_one_as_fenced()
    {
        var first = _run.Start("fenced", TwoRanks, SomeSaves);
        first.WaitForStep(20);
        TrainerRun.Signal(first.LauncherId, "STOP");
        TrainerRun.Signal(first.RankId(0), "STOP");
        TrainerRun.Signal(first.RankId(1), "STOP");

        // The same stage, its artifact on another machine's disk.
        var address = new Uri(Path.Combine(_run.Root, "checkpoints", "fenced")).AbsoluteUri;
        var second = _run.Start("elsewhere", TwoRanks, SomeSaves, address);
        Assert.Equal(0, (await second.EndAsync()).ExitCode);
        TrainerRun.Signal(first.RankId(1), "CONT");
        TrainerRun.Signal(first.RankId(0), "CONT");
        TrainerRun.Signal(first.LauncherId, "CONT");
        var (exitCode, outcome) = await first.EndAsync();

        Assert.Equal(TrainerExitCode.Of(StageResult.Fenced), exitCode);
        Assert.Contains("attempt", outcome!.Message, StringComparison.Ordinal);
        Assert.Equal(_undisturbed.TwoRanks.Weights, _run.ResultOf("elsewhere").Weights);
    }

    private void AssertUndisturbed(string name)
    {
        var (weights, metrics) = _run.ResultOf(name);
        Assert.Equal(_undisturbed.TwoRanks.Metrics, metrics);
        Assert.Equal(_undisturbed.TwoRanks.Weights, weights);
    }

    private static double[] Losses(string[] metrics) => [.. metrics
        .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["loss"])
        .Where(loss => loss is not null)
        .Select(loss => (double)loss!)];

    /// <summary>What undisturbed attempts give, computed once.</summary>
    public sealed class Undisturbed : IAsyncLifetime
    {
        internal (byte[] Weights, string[] Metrics) OneRank { get; private set; }

        internal (byte[] Weights, string[] Metrics) TwoRanks { get; private set; }

        public async Task InitializeAsync()
        {
            using var run = new TinyRun();
            Assert.Equal(0, (await run.Start("one", new ComputeSpec(), SomeSaves).EndAsync()).ExitCode);
            Assert.Equal(0, (await run.Start("two", KilledProcessesTests.TwoRanks, SomeSaves).EndAsync()).ExitCode);
            (OneRank, TwoRanks) = (run.ResultOf("one"), run.ResultOf("two"));
        }

        public Task DisposeAsync() => Task.CompletedTask;
    }
}
