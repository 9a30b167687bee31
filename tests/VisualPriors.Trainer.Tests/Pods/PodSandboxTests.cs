using System.Diagnostics;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Storage;
using VisualPriors.Trainer.Tests.Faults;

namespace VisualPriors.Trainer.Tests.Pods;

/// <summary>What a container takes away, and what a cluster's network adds, made with the kernel's own namespaces.</summary>
public sealed class PodSandboxTests : IDisposable
{
    private const string User = "65532";
    private readonly TinyRun _run = new();
    private readonly string _id = Guid.NewGuid().ToString("N")[..8];
    private readonly List<string> _namespaces = [];

    public void Dispose()
    {
        foreach (var name in _namespaces)
        {
            // Its end of the link goes with it, and the other end with that.
            Run("ip", "netns", "delete", name);
            Directory.Delete($"/etc/netns/{name}", recursive: true);
        }

        if (_namespaces.Count > 0 && Directory.GetFileSystemEntries("/etc/netns").Length == 0)
        {
            Directory.Delete("/etc/netns");
        }

        if (_namespaces.Count > 0 && Directory.GetFileSystemEntries("/run/netns").Length == 0)
        {
            // A mount that `ip` made with the first of them, and would make again.
            Run("umount", "/run/netns");
        }

        _run.Dispose();
    }

    [RootFact]
    public async Task A_user_without_a_name_trains_on_a_read_only_system_where_nothing_but_scratch_can_be_written()
    {
        var scratch = Directory.CreateDirectory(Path.Combine(_run.Root, "scratch")).FullName;
        Run("chmod", "755", _run.Root);
        Run("chown", $"{User}:{User}", scratch);
        var script = $$"""
            set -e
            mount --make-rprivate /
            mount --bind {{scratch}} {{scratch}}
            for there in $(cut -d' ' -f2 /proc/mounts | grep -v -e ^/proc -e ^/sys -e '^{{scratch}}$'); do
                mount -o remount,bind,ro "$there" || true
            done
            touch {{_run.Root}}/x /tmp/x 2>/dev/null && exit 99
            exec setpriv --reuid={{User}} --regid={{User}} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all env -u HOME "$@"
            """;

        var attempt = _run.Start(
            "pod",
            new ComputeSpec { ProcessesPerNode = 2 },
            new CheckpointSpec { EverySteps = 100 },
            environment: new Dictionary<string, string>
            {
                ["VISUALPRIORS_SCRATCH"] = scratch,
                ["VISUALPRIORS_TERMINATION_MESSAGE"] = Path.Combine(scratch, "termination"),
                ["TMPDIR"] = scratch,
                ["DOTNET_EnableDiagnostics"] = "0",
            },
            change: plan => plan with
            {
                Placement = plan.Placement with
                {
                    Output = $"file://{scratch}/store/artifact",
                    Checkpoints = plan.Placement.Checkpoints! with { Address = $"file://{scratch}/store/checkpoints" },
                },
            },
            within: ["unshare", "--mount", "sh", "-c", script, "sh"]);
        var (exitCode, outcome) = await attempt.EndAsync();

        Assert.True(exitCode == 0, attempt.Log);
        Assert.Equal(StageResult.Succeeded, outcome!.Result);
        Assert.NotNull(await ArtifactStore.TryReadManifestAsync($"file://{scratch}/store/artifact", default));
        Assert.True(PlanJson.TryReadOutcome(await File.ReadAllTextAsync(Path.Combine(scratch, "termination")), out _));
    }

    [RootFact]
    public async Task Two_hosts_join_though_the_masters_name_and_the_master_come_late()
    {
        var (master, other) = (MakeNamespace(0), MakeNamespace(1));
        Run("ip", "link", "add", "eth0", "netns", master, "type", "veth", "peer", "name", "eth0", "netns", other);
        foreach (var (name, address) in new[] { (master, "10.9.8.1/24"), (other, "10.9.8.2/24") })
        {
            Run("ip", "-n", name, "address", "add", address, "dev", "eth0");
            Run("ip", "-n", name, "link", "set", "eth0", "up");
            Run("ip", "-n", name, "link", "set", "lo", "up");
        }

        var compute = new ComputeSpec { Nodes = 2, ProcessesPerNode = 2 };
        var second = Start(other, 1, compute);
        second.WaitForLog("2 of 4 ranks");
        // It has tried to resolve the name in vain; then the name is there, and nobody listens.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await File.AppendAllTextAsync($"/etc/netns/{other}/hosts", "10.9.8.1 master.gang.lab.svc\n");
        await Task.Delay(TimeSpan.FromSeconds(1));
        await File.AppendAllTextAsync($"/etc/netns/{master}/hosts", "10.9.8.1 master.gang.lab.svc\n");
        var first = Start(master, 0, compute);

        var ends = new[] { await first.EndAsync(), await second.EndAsync() };

        Assert.True(ends.All(end => end.ExitCode == 0), $"{first.Log}\n{second.Log}");
        Assert.Equal(TinyRun.Steps, _run.ResultOf("gang").Metrics.Count(line => line.Contains("\"loss\"", StringComparison.Ordinal)));
    }

    private TrainerRun Start(string name, int node, ComputeSpec compute) => _run.Start(
        "gang",
        compute,
        new CheckpointSpec { EverySteps = 0 },
        environment: new Dictionary<string, string>
        {
            ["NODE_RANK"] = $"{node}",
            ["MASTER_ADDR"] = "master.gang.lab.svc",
            ["MASTER_PORT"] = $"{TrainerContract.RendezvousPort}",
            ["VISUALPRIORS_ATTEMPT"] = "1",
            ["VISUALPRIORS_RENDEZVOUS_TOKEN"] = "0123456789abcdef0123456789abcdef",
        },
        within: ["ip", "netns", "exec", name]);

    private string MakeNamespace(int number)
    {
        var name = $"vp-{_id}-{number}";
        // What lies here stands in the place of /etc's files for whoever runs in the namespace.
        Directory.CreateDirectory($"/etc/netns/{name}");
        File.WriteAllText($"/etc/netns/{name}/hosts", "127.0.0.1 localhost\n");
        File.WriteAllText($"/etc/netns/{name}/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
        Run("ip", "netns", "add", name);
        _namespaces.Add(name);
        return name;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
