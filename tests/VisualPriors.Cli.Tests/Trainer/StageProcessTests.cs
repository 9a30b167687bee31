using System.Diagnostics;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Trainer;

namespace VisualPriors.Cli.Tests.Trainer;

/// <summary>What becomes of a trainer that does not do its work, played by a shell script: a real one cannot be made to fail like that.</summary>
public sealed class StageProcessTests : IDisposable
{
    private const string Progress = """{"progress":{"phase":"training","step":1,"totalSteps":2,"loss":3.5}}""";

    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Progress_is_heard_and_everything_else_goes_to_the_log()
    {
        var heard = new List<ProgressReport>();

        var failure = await Assert.ThrowsAsync<StageFailedException>(() => Run(
            $"echo 'a library speaks'; echo '{Progress}'; echo 'a log line' >&2; exit 7", heard.Add));

        Assert.Equal(3.5, Assert.Single(heard).Loss);
        var log = File.ReadAllText(Path.Combine(_experiment.Output, "logs", "pretrain-decoder.log"));
        Assert.Contains("(standard output) a library speaks\n", log, StringComparison.Ordinal);
        Assert.Contains("a log line\n", log, StringComparison.Ordinal);
        Assert.Equal(1, failure.ExitCode);
        Assert.Contains("without an outcome, exit code 7", failure.Message, StringComparison.Ordinal);
        Assert.Contains("a log line", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trainer_that_is_killed_is_told_as_such()
    {
        var failure = await Assert.ThrowsAsync<StageFailedException>(() => Run("kill -9 $$"));

        Assert.Contains("exit code 137 (SIGKILL, perhaps for want of memory)", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("userError", 2, 2)]
    [InlineData("diverged", 3, 3)]
    [InlineData("failed", 1, 1)]
    [InlineData("peerLost", 4, 4)]
    [InlineData("fenced", 5, 5)]
    [InlineData("interrupted", 130, 130)]
    public async Task An_outcome_decides_the_exit_code_and_brings_the_reason(string result, int trainerExitCode, int exitCode)
    {
        var failure = await Assert.ThrowsAsync<StageFailedException>(() => Run(
            $$$"""echo '{"outcome":{"result":"{{{result}}}","message":"the reason","seconds":1}}'; exit {{{trainerExitCode}}}"""));

        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains("PretrainRun decoder: the reason", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "without a whole artifact")]
    [InlineData(139, "exit code 139 (SIGSEGV)")]
    public async Task Success_is_believed_only_with_its_artifact_and_exit_code(int exitCode, string expected)
    {
        var failure = await Assert.ThrowsAsync<StageFailedException>(() => Run(
            $$$"""echo '{"outcome":{"result":"succeeded","message":"done","seconds":1}}'; exit {{{exitCode}}}"""));

        Assert.Equal(1, failure.ExitCode);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_plan_it_gets_is_the_stages()
    {
        await Assert.ThrowsAsync<StageFailedException>(() => Run("[ \"$1 $2\" = 'launch --plan' ] && cp \"$3\" \"$3.seen\""));

        var seen = PlanJson.Read(Path.Combine(_experiment.Output, "plans", "pretrain-decoder.json.seen"));
        Assert.Equal(Stage.Planned.Digest, StageDigest.Of(seen.Computation));
    }

    [Fact]
    public async Task Stopping_reaches_the_trainer_and_waits_for_it()
    {
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run(
            $"trap 'echo stopped cleanly >&2; exit 130' TERM; echo '{Progress}'; while :; do sleep 0.05; done", _ => stop.Cancel(), stop.Token));

        Assert.Contains("stopped cleanly", File.ReadAllText(Path.Combine(_experiment.Output, "logs", "pretrain-decoder.log")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trainer_that_does_not_stop_is_killed_and_its_leftovers_removed()
    {
        using var stop = new CancellationTokenSource();
        var artifact = Stage.Planned.Plan.Placement.Output;
        var script = $"""
            trap '' TERM
            mkdir -p {artifact}.partial; touch {artifact}.lock {artifact}.partial/half
            echo $$ > {_experiment.Root}/pid
            echo '{Progress}'
            while :; do sleep 0.05; done
            """;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run(script, _ => stop.Cancel(), stop.Token));

        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(artifact)!));
        var pid = int.Parse(File.ReadAllText(Path.Combine(_experiment.Root, "pid")), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(pid));
    }

    [Fact]
    public async Task The_trainer_is_told_of_a_pipe_that_ends_with_this_process()
    {
        // Nothing to read, and not the end either: `read` would return at once where input were closed. (A shell gives what runs in its
        // background no input, hence descriptor 3.)
        var failure = await Assert.ThrowsAsync<StageFailedException>(() => Run(
            "[ \"$VISUALPRIORS_PARENT_PIPE\" = 1 ] || exit 8; exec 3<&0; (read x <&3; echo ended >&2) & sleep 0.5; kill $!; exit 9"));

        Assert.Contains("exit code 9", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ended\n", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trainer_that_cannot_be_started_is_a_failure()
    {
        var process = new StageProcess(new TrainerCommand(Path.Combine(_experiment.Root, "no-such-program"), []));

        var failure = await Assert.ThrowsAsync<StageFailedException>(() => process.RunAsync(_experiment.Output, Stage, _ => { }, default));

        Assert.Contains("cannot be started", failure.Message, StringComparison.Ordinal);
    }

    private ExperimentStage Stage =>
        ExperimentLoader.Load(_experiment.Manifest, _experiment.Data, _experiment.Output, default).Stages[0];

    private Task<StageOutcome> Run(string script, Action<ProgressReport>? onProgress = null, CancellationToken cancellationToken = default)
    {
        var path = Path.Combine(_experiment.Root, "trainer.sh");
        File.WriteAllText(path, script);
        var process = new StageProcess(new TrainerCommand("/bin/sh", [path]), grace: TimeSpan.FromSeconds(1));
        return process.RunAsync(_experiment.Output, Stage, onProgress ?? (_ => { }), cancellationToken);
    }
}
