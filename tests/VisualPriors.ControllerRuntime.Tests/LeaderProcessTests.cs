using System.Diagnostics;
using System.Globalization;
using VisualPriors.KubernetesTesting;
using Xunit.Abstractions;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>Leader election between processes: what they did, and when, stands in one file.</summary>
public sealed class LeaderProcessTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly List<ChildProcess> _processes = [];
    private readonly string _file = Path.GetTempFileName();
    private TestApiServer _server = null!;
    private string _space = null!;

    public async Task InitializeAsync()
    {
        _server = await SharedServer.GetAsync();
        _space = await _server.CreateNamespaceAsync();
    }

    public Task DisposeAsync()
    {
        _processes.ForEach(process => process.Dispose());
        File.Delete(_file);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_leader_that_is_told_to_stop_hands_over_within_two_seconds()
    {
        var first = Start("first");
        await ActedAsync("first");
        Start("second");
        await Task.Delay(TimeSpan.FromSeconds(1));

        first.Terminate();
        Assert.Equal(0, await first.WaitForExitAsync());
        await ActedAsync("second");

        var acts = Acts();
        var handOver = Stopwatch.GetElapsedTime(acts.Last(act => act.Identity == "first").Time, acts.First(act => act.Identity == "second").Time);
        output.WriteLine($"hand-over after SIGTERM: {handOver.TotalMilliseconds:0} ms");
        Assert.InRange(handOver, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        AssertOneAtATime();
    }

    [Fact]
    public async Task After_a_kill_the_next_waits_out_the_lease_and_a_sleeper_does_not_act_on_waking()
    {
        const double lease = 4;
        var first = Start("first", lease);
        await ActedAsync("first");
        var second = Start("second", lease);
        await Task.Delay(TimeSpan.FromSeconds(0.5));
        first.Dispose();
        await ActedAsync("second");

        Start("third", lease);
        await Task.Delay(TimeSpan.FromSeconds(0.5));
        second.Freeze();
        await ActedAsync("third");
        second.Thaw();
        Assert.Equal(LeaderProgram.LostExitCode, await second.WaitForExitAsync());
        await Task.Delay(TimeSpan.FromSeconds(0.2));

        AssertOneAtATime();
        foreach (var (before, after) in new[] { ("first", "second"), ("second", "third") })
        {
            var gap = Stopwatch.GetElapsedTime(Acts().Last(act => act.Identity == before).Time, Acts().First(act => act.Identity == after).Time);
            output.WriteLine($"{before} to {after}, lease of {lease} s: {gap.TotalSeconds:0.0} s");
            // From a dead leader's last renewal, at most a renewal's period before its last act.
            Assert.True(gap > TimeSpan.FromSeconds(lease * 2 / 3), $"{gap}");
        }
    }

    [Fact]
    public async Task Connections_cut_again_and_again_cost_neither_leadership_nor_the_others_their_turn()
    {
        await using var proxy = new FaultProxy(_server.Port);
        var first = Start("first", 8, proxy.Port);
        await ActedAsync("first");
        Start("second", 8);

        for (var i = 0; i < 12; i++)
        {
            await Task.Delay(Random.Shared.Next(100, 400));
            proxy.Cut();
        }

        Assert.All(Acts(), act => Assert.Equal("first", act.Identity));
        proxy.Refuse(true);
        Assert.Equal(LeaderProgram.LostExitCode, await first.WaitForExitAsync());
        await ActedAsync("second");
        AssertOneAtATime();
    }

    private ChildProcess Start(string identity, double lease = 0, int? port = null)
    {
        var process = new ChildProcess(
            Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet",
            [
                typeof(LeaderProgram).Assembly.Location,
                "lead",
                _server.KubeConfigPath,
                (port ?? _server.Port).ToString(CultureInfo.InvariantCulture),
                _space,
                identity,
                _file,
                lease.ToString(CultureInfo.InvariantCulture),
            ]);
        _processes.Add(process);
        return process;
    }

    private Task ActedAsync(string identity) => Eventually.HoldsAsync(
        () => Acts().Any(act => act.Identity == identity),
        $"{identity} to lead; the processes say: {string.Join(" | ", _processes.Select(process => process.Output))}");

    private List<(string Identity, long Time)> Acts()
    {
        using var stream = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n');
        // The last line may be half written.
        return [.. lines.SkipLast(1).Select(line => line.Split(' ')).Select(parts => (parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture)))];
    }

    /// <summary>No two intervals, each from a replica's first act to its last, overlap.</summary>
    private void AssertOneAtATime()
    {
        var intervals = Acts()
            .GroupBy(act => act.Identity)
            .Select(group => (Identity: group.Key, From: group.Min(act => act.Time), To: group.Max(act => act.Time)))
            .OrderBy(interval => interval.From)
            .ToList();
        Assert.All(intervals.Zip(intervals.Skip(1)), pair => Assert.True(pair.First.To < pair.Second.From, $"{pair.First} and {pair.Second} both led"));
        Assert.True(intervals.Count > 1);
    }
}
