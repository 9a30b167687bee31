using System.Diagnostics;
using System.Globalization;
using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Trainer.Tests.Launching;

/// <summary>The trainer program as a node's entry point, with a real rank: signals, and what is left when one of the two is killed.</summary>
public sealed class LaunchProgramTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private readonly string _root = Directory.CreateTempSubdirectory("vp-launch-").FullName;
    private readonly List<string> _log = [];
    private Process? _launcher;
    private int _rank;

    public LaunchProgramTests()
    {
        var documents = Enumerable.Range(0, 40).Select(i => new TextDocument("math", $"{i} and {i} make {i + i}")).ToList();
        var tokenizer = Path.Combine(_root, "tokenizer.json");
        BytePairTrainer.Train(documents.Select(document => document.Text), 262, default).Save(tokenizer);
        using var corpus = new ArtifactWriter(Path.Combine(_root, "corpus"));
        CorpusBuilder.Build([new("math", "", "")], documents, tokenizer, corpus, 0.2, default);
        corpus.Commit(ArtifactKind.TextCorpus);
    }

    public void Dispose()
    {
        if (_launcher is not null)
        {
            _launcher.Kill(entireProcessTree: true);
            _launcher.Dispose();
        }

        if (_rank > 0 && IsAlive(_rank))
        {
            Process.GetProcessById(_rank).Kill();
        }

        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_stage_succeeds_with_one_outcome_and_its_log_on_standard_error()
    {
        var launcher = Start(Plan(tokens: 64));

        var (exitCode, outcomes) = await EndAsync(launcher);

        Assert.Equal((0, StageResult.Succeeded), (exitCode, Assert.Single(outcomes).Result));
        Assert.Equal(outcomes[0].ArtifactDigest, Artifact.Open(Path.Combine(_root, "stages", "out")).Digest);
        Assert.Contains(_log, line => line.StartsWith("[rank 0] ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("TERM", 1)]
    [InlineData("INT", 2)]
    public async Task A_signal_stops_the_rank_and_then_the_launcher(string signal, int times)
    {
        var launcher = Start(Plan());
        await TrainingAsync(launcher);

        for (var i = 0; i < times; i++)
        {
            Signal(launcher.Id, signal);
        }

        var (exitCode, outcomes) = await EndAsync(launcher);
        Assert.Equal((130, StageResult.Interrupted), (exitCode, Assert.Single(outcomes).Result));
        Assert.False(IsAlive(_rank));
    }

    [Fact]
    public async Task A_rank_that_is_killed_fails_the_stage()
    {
        var launcher = Start(Plan());
        await TrainingAsync(launcher);

        Signal(_rank, "KILL");

        var (exitCode, outcomes) = await EndAsync(launcher);
        Assert.Equal((1, StageResult.Failed), (exitCode, Assert.Single(outcomes).Result));
        Assert.Equal((0, 0, "SIGKILL"), (outcomes[0].Failure!.Rank, outcomes[0].Failure!.Node, outcomes[0].Failure!.Signal));
    }

    [Fact]
    public async Task When_the_launcher_is_killed_its_rank_ends()
    {
        var launcher = Start(Plan());
        await TrainingAsync(launcher);

        Signal(launcher.Id, "KILL");

        await Until(() => !IsAlive(_rank));
    }

    [Fact]
    public async Task When_the_launchers_parent_is_gone_launcher_and_rank_end()
    {
        var launcher = Start(Plan(), hasParentPipe: true);
        await TrainingAsync(launcher);

        launcher.StandardInput.Close();

        Assert.Equal(130, (await EndAsync(launcher)).ExitCode);
        Assert.False(IsAlive(_rank));
    }

    [Fact]
    public async Task A_rank_that_cannot_stop_when_the_launcher_is_gone_kills_itself_after_the_grace()
    {
        // Opening a pipe that nobody writes to hangs, as a collective without its peer may.
        var pipe = Path.Combine(_root, "plan.json");
        using (var make = Process.Start("mkfifo", [pipe]))
        {
            await make.WaitForExitAsync();
        }

        var rank = Start(["run", "--plan", pipe], new() { ["VISUALPRIORS_PARENT_PIPE"] = "1", ["VISUALPRIORS_GRACE_SECONDS"] = "0.5" });
        rank.StandardInput.Close();

        Assert.Equal(137, (await EndAsync(rank)).ExitCode);
    }

    [Fact]
    public async Task A_standard_input_that_nobody_holds_stops_nothing()
    {
        var launcher = Start(Plan(tokens: 64));
        launcher.StandardInput.Close();

        Assert.Equal(0, (await EndAsync(launcher)).ExitCode);
    }

    [Fact]
    public async Task A_wrong_option_is_the_users_to_mend()
    {
        var launcher = Start(Plan(), "--master-port", "none");

        var (exitCode, outcomes) = await EndAsync(launcher);

        Assert.Equal((2, StageResult.UserError), (exitCode, Assert.Single(outcomes).Result));
        Assert.Contains("--master-port: found 'none'", outcomes[0].Message, StringComparison.Ordinal);
    }

    private static void Signal(int pid, string signal)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {pid}"]);
        kill.WaitForExit();
    }

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

    private static string ChildrenOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "children"));
        }
        catch (IOException)
        {
            return ""; // threads come and go
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var started = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(20))
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Bound);
        }
    }

    /// <summary>Waits until the rank trains, and learns its process id.</summary>
    private async Task TrainingAsync(Process launcher)
    {
        TrainerMessage message;
        do
        {
            var line = await launcher.StandardOutput.ReadLineAsync().WaitAsync(Bound);
            Assert.True(PlanJson.TryReadLine(line ?? "the end", out message), $"{line}\n{string.Join('\n', _log)}");
        }
        while (message.Progress is not { Phase: "training" });

        _rank = int.Parse(
            Assert.Single(Directory.GetDirectories($"/proc/{launcher.Id}/task").Select(ChildrenOf), text => text.Length > 0), CultureInfo.InvariantCulture);
        Assert.True(IsAlive(_rank));
    }

    private static async Task<(int ExitCode, List<StageOutcome> Outcomes)> EndAsync(Process launcher)
    {
        var output = await launcher.StandardOutput.ReadToEndAsync().WaitAsync(Bound);
        await launcher.WaitForExitAsync().WaitAsync(Bound);
        var outcomes = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => PlanJson.TryReadLine(line, out var message) ? message.Outcome : null)
            .OfType<StageOutcome>()
            .ToList();
        return (launcher.ExitCode, outcomes);
    }

    private Process Start(StagePlan plan, params string[] options) => Start(plan, hasParentPipe: false, options);

    private Process Start(StagePlan plan, bool hasParentPipe, params string[] options)
    {
        var path = Path.Combine(_root, "plan.json");
        File.WriteAllBytes(path, PlanJson.Write(plan));
        return Start(["launch", "--plan", path, .. options], hasParentPipe ? new() { ["VISUALPRIORS_PARENT_PIPE"] = "1" } : []);
    }

    private Process Start(string[] arguments, Dictionary<string, string> environment)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        // A shell's background job, as a CI's may be, ignores SIGINT and hands that on to all below it; a program leaves an ignored signal ignored.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", dotnet, Path.Combine(AppContext.BaseDirectory, "VisualPriors.Trainer.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _launcher = Process.Start(start)!;
        _launcher.ErrorDataReceived += (_, line) => _log.Add(line.Data ?? "");
        _launcher.BeginErrorReadLine();
        return _launcher;
    }

    private StagePlan Plan(long tokens = 50_000_000) => new()
    {
        Version = StagePlan.CurrentVersion,
        Run = "decoder",
        Computation = new PretrainComputation
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Artifact.Open(Path.Combine(_root, "corpus")).Digest },
            Seed = 42,
            Precision = Precision.Fp32,
            Model = new DecoderDimensions { Layers = 1, HiddenSize = 16, Heads = 2, KeyValueHeads = 1, FeedForwardSize = 32 },
            Mixture = new Dictionary<string, decimal> { ["math"] = 1 },
            Training = new PretrainTrainingSpec
            {
                Tokens = tokens,
                SequenceLength = 16,
                GlobalBatchSize = 4,
                Optimizer = new OptimizerSpec { LearningRate = 0.001 },
                Validation = new ValidationSpec { EverySteps = 0, Sequences = 2 },
            },
        },
        Placement = new StagePlacement
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Path.Combine(_root, "corpus") },
            Output = Path.Combine(_root, "stages", "out"),
            Compute = new ComputeSpec { Threads = 1 },
        },
    };
}
