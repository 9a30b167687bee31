using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace VisualPriors.Cli.Tests.Trainer;

/// <summary><c>vp</c> as a program, with launcher and rank below it, killed.</summary>
public sealed class AbandonedProcessTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private readonly TinyExperiment _experiment = new();
    private readonly List<int> _processes = [];

    public void Dispose()
    {
        foreach (var pid in _processes.Where(IsAlive))
        {
            Process.GetProcessById(pid).Kill(entireProcessTree: true);
        }

        _experiment.Dispose();
    }

    [Fact]
    public async Task When_vp_is_killed_nothing_goes_on()
    {
        _experiment.Write(TinyExperiment.Chain.Split("---")[0]
            .Replace("tokens: 65", "tokens: 10000000, validation: {sequences: 2}", StringComparison.Ordinal));
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, [Path.Combine(AppContext.BaseDirectory, "vp.dll"), "run", "--json", .. _experiment.Options])
        {
            RedirectStandardOutput = true,
        };
        using var vp = Process.Start(start)!;
        _processes.Add(vp.Id);
        string? line;
        do
        {
            line = await vp.StandardOutput.ReadLineAsync().WaitAsync(Bound);
            Assert.NotNull(line);
        }
        while ((string?)JsonNode.Parse(line)!["progress"]?["phase"] != "training");

        var launcher = Assert.Single(ChildrenOf(vp.Id));
        var rank = Assert.Single(ChildrenOf(launcher));
        _processes.AddRange([launcher, rank]);
        vp.Kill();

        for (var started = Stopwatch.GetTimestamp(); _processes.Exists(IsAlive); await Task.Delay(20))
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Bound, string.Join(' ', _processes.Where(IsAlive)));
        }
    }

    private static List<int> ChildrenOf(int pid) =>
    [
        .. Directory.GetDirectories($"/proc/{pid}/task")
            .SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture)),
    ];

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
}
