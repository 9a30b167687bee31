using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using VisualPriors.Api.Plans;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Tests.Launching;

/// <summary>What becomes of real rank processes, played by shell scripts: trainers cannot be made to fail like that.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string Succeed = """echo '{"outcome":{"result":"succeeded","message":"done","seconds":1}}'""";
    private const string Forever = "while :; do sleep 0.05; done";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("vp-launch-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly ConcurrentQueue<ProgressReport> _progress = new();

    public void Dispose()
    {
        // Every script writes its process id first: whatever a test found, nothing stays behind.
        var left = Pids().Where(IsAlive).ToList();
        foreach (var pid in left)
        {
            Process.GetProcessById(pid).Kill(entireProcessTree: true);
        }

        Directory.Delete(_folder, recursive: true);
        Assert.Empty(left);
    }

    [Fact]
    public async Task Every_rank_is_told_its_place_and_the_outcome_is_rank_0s()
    {
        var outcome = await Run(3, $$$"""
            echo "$RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $MASTER_ADDR:$MASTER_PORT $VISUALPRIORS_RENDEZVOUS_TOKEN $VISUALPRIORS_PARENT_PIPE $*" > {{{_folder}}}/said.$RANK
            echo '{"outcome":{"result":"succeeded","message":"done by '$RANK'","seconds":1}}'
            """);

        Assert.Equal((StageResult.Succeeded, "done by 0", null), (outcome.Result, outcome.Message, outcome.Failure));
        Assert.Equal(
            [.. Enumerable.Range(0, 3).Select(rank => $"{rank} {rank} 3 3 127.0.0.1:4711 token 1 run --plan plan.json\n")],
            Enumerable.Range(0, 3).Select(rank => File.ReadAllText($"{_folder}/said.{rank}")));
    }

    [Fact]
    public async Task Only_rank_0s_progress_passes_and_everything_else_is_logged_by_rank()
    {
        await Run(2, $$$"""
            echo '{"progress":{"phase":"training","step":'$RANK',"totalSteps":2}}'
            echo "a library speaks"; echo "a log line" >&2
            {{{Succeed}}}
            """);

        Assert.Equal(0, Assert.Single(_progress).Step);
        Assert.All([0, 1], rank => Assert.Subset(_log.ToHashSet(), new HashSet<string> { $"[rank {rank}] a log line", $"[rank {rank}] (standard output) a library speaks" }));
    }

    [Fact]
    public async Task Garbage_and_lines_of_megabytes_do_no_harm()
    {
        var outcome = await Run(1, $$"""
            head -c 3000000 /dev/zero | tr '\0' x; echo
            head -c 3000000 /dev/zero | tr '\0' y >&2; echo >&2
            head -c 100000 /dev/urandom; echo
            head -c 100000 /dev/urandom >&2; echo >&2
            echo '{"progress":{"phase":"training"'
            {{Succeed}}
            """);

        Assert.Equal(StageResult.Succeeded, outcome.Result);
        Assert.All(_log, line => Assert.True(line.Length < 33_000, $"{line.Length} characters"));
        Assert.Contains(_log, line => line.EndsWith("[2,967,232 more characters]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rank_that_is_killed_is_named_with_its_last_lines_and_the_others_are_ended()
    {
        var outcome = await Run(3, $"[ $RANK = 1 ] && {{ for i in $(seq 30); do echo line $i >&2; done; kill -9 $$; }}; {Forever}");

        Assert.Equal((StageResult.Failed, 1, "SIGKILL"), (outcome.Result, outcome.Failure!.Rank, outcome.Failure.Signal));
        Assert.Contains("line 30", outcome.Message, StringComparison.Ordinal);
        Assert.Contains("line 11\n", outcome.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("line 10\n", outcome.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Pids(), IsAlive);
    }

    [Fact]
    public async Task A_rank_that_ignores_being_ended_is_killed_and_not_blamed()
    {
        var outcome = await Run(2, $"[ $RANK = 1 ] && {{ until [ -f {_folder}/deaf ]; do sleep 0.02; done; exit 1; }}; trap '' TERM; touch {_folder}/deaf; {Forever}");

        Assert.Equal((StageResult.Failed, 1, 1), (outcome.Result, outcome.Failure!.Rank, outcome.Failure.ExitCode));
        Assert.DoesNotContain(Pids(), IsAlive);
    }

    [Fact]
    public async Task A_user_error_wins_over_what_came_before_it()
    {
        var outcome = await Run(3, $$$"""
            [ $RANK = 0 ] && exit 4
            [ $RANK = 1 ] && { sleep 0.3; echo '{"outcome":{"result":"userError","message":"bad.yaml","seconds":1}}'; exit 2; }
            {{{Forever}}}
            """);

        Assert.Equal((StageResult.UserError, "bad.yaml", 1), (outcome.Result, outcome.Message, outcome.Failure!.Rank));
    }

    [Fact]
    public async Task A_collective_that_failed_waits_for_its_cause()
    {
        var outcome = await Run(3, $"[ $RANK = 0 ] && exit 4; [ $RANK = 2 ] && {{ sleep 0.5; exit 1; }}; {Forever}");

        Assert.Equal((StageResult.Failed, 2), (outcome.Result, outcome.Failure!.Rank));
    }

    [Fact]
    public async Task A_collective_that_failed_for_no_reason_seen_here_is_told_as_such()
    {
        var outcome = await Run(2, $"[ $RANK = 0 ] && exit 4; {Forever}", patience: new() { Grace = Bound, Attribution = TimeSpan.FromSeconds(0.2) });

        Assert.Equal((StageResult.PeerLost, 0), (outcome.Result, outcome.Failure!.Rank));
    }

    [Fact]
    public async Task Stopping_asks_every_rank_once_and_waits_for_what_they_save()
    {
        using var stop = new CancellationTokenSource();
        var run = Run(
            2,
            $"""
            trap 'echo asked >> {_folder}/asked.$RANK; asked=1' TERM
            touch {_folder}/ready.$RANK
            while [ -z "$asked" ]; do sleep 0.05; done
            sleep 0.5; touch {_folder}/saved.$RANK; exit 130
            """,
            stop: stop.Token);
        await Until(() => File.Exists($"{_folder}/ready.0") && File.Exists($"{_folder}/ready.1"));

        await stop.CancelAsync();
        var outcome = await run;

        Assert.Equal((StageResult.Interrupted, null), (outcome.Result, outcome.Failure));
        Assert.All([0, 1], rank => Assert.True(File.Exists($"{_folder}/saved.{rank}")));
        Assert.All([0, 1], rank => Assert.Equal("asked\n", File.ReadAllText($"{_folder}/asked.{rank}")));
    }

    [Fact]
    public async Task A_rank_that_does_not_stop_in_time_is_killed_and_told()
    {
        using var stop = new CancellationTokenSource();
        var run = Run(
            2,
            $"[ $RANK = 1 ] && trap '' TERM || trap 'exit 130' TERM; touch {_folder}/ready.$RANK; {Forever}",
            new() { Grace = TimeSpan.FromSeconds(2) },
            stop.Token);
        await Until(() => File.Exists($"{_folder}/ready.0") && File.Exists($"{_folder}/ready.1"));

        await stop.CancelAsync();
        var outcome = await run;

        Assert.Equal((StageResult.Failed, 1, "SIGKILL"), (outcome.Result, outcome.Failure!.Rank, outcome.Failure.Signal));
        Assert.Contains("did not stop in time", outcome.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Pids(), IsAlive);
    }

    [Fact]
    public async Task Where_one_rank_stops_the_others_are_asked_to()
    {
        var outcome = await Run(2, $"trap 'exit 130' TERM; [ $RANK = 1 ] && exit 130; {Forever}");

        Assert.Equal(StageResult.Interrupted, outcome.Result);
    }

    [Fact]
    public async Task A_process_that_a_rank_leaves_behind_does_not_hold_the_launcher_up()
    {
        var outcome = await Run(1, $"sleep 30 & echo $! > {_folder}/pid.child; {Succeed}; exit 0");

        Assert.Equal(StageResult.Succeeded, outcome.Result);
        var child = int.Parse(File.ReadAllText($"{_folder}/pid.child"), CultureInfo.InvariantCulture);
        Assert.True(IsAlive(child));
        Process.GetProcessById(child).Kill();
        await Until(() => !IsAlive(child));
    }

    [Fact]
    public async Task A_program_that_cannot_be_started_is_a_failure()
    {
        var launcher = new Launcher(new RankCommand(Path.Combine(_folder, "no-such-program"), []), new() { Grace = Bound }, new LaunchLog(_log.Enqueue), _progress.Enqueue);

        var outcome = await launcher.RunAsync("plan.json", Layout(2), default);

        Assert.Equal((StageResult.Failed, 0), (outcome.Result, outcome.Failure!.Rank));
        Assert.Contains("cannot be started", outcome.Message, StringComparison.Ordinal);
    }

    private static NodeLayout Layout(int size) =>
        new() { NodeRank = 0, LocalSize = size, WorldSize = size, MasterAddress = "127.0.0.1", MasterPort = 4711, Token = "token" };

    private static bool IsAlive(int pid)
    {
        try
        {
            // A zombie waits for its parent to ask how it ended; it runs no more.
            return !File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].StartsWith('Z');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var started = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(20))
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Bound);
        }
    }

    private List<int> Pids() =>
        [.. Directory.GetFiles(_folder, "pid.*").Select(File.ReadAllText).Where(text => text.Length > 0).Select(text => int.Parse(text, CultureInfo.InvariantCulture))];

    private async Task<StageOutcome> Run(int size, string script, LaunchPatience? patience = null, CancellationToken stop = default)
    {
        var path = Path.Combine(_folder, "rank.sh");
        await File.WriteAllTextAsync(path, $"echo $$ > {_folder}/pid.${{RANK:-0}}\n{script}\n", CancellationToken.None);
        var launcher = new Launcher(
            new RankCommand("/bin/sh", [path]),
            patience ?? new() { Grace = Bound, Attribution = Bound, Ending = TimeSpan.FromSeconds(0.5) },
            new LaunchLog(_log.Enqueue),
            _progress.Enqueue);
        return await launcher.RunAsync("plan.json", Layout(size), stop).WaitAsync(Bound, CancellationToken.None);
    }
}
