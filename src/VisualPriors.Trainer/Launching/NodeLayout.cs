using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Trainer.Launching;

/// <summary>The processes of one node and how they find those of the others.</summary>
internal sealed record NodeLayout
{
    /// <summary>This node's place among all nodes.</summary>
    public required int NodeRank { get; init; }

    /// <summary>Processes of this node.</summary>
    public required int LocalSize { get; init; }

    /// <summary>Processes of all nodes.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Host of rank 0.</summary>
    public required string MasterAddress { get; init; }

    /// <summary>Port of rank 0's rendezvous.</summary>
    public required int MasterPort { get; init; }

    /// <summary>Secret of the attempt.</summary>
    public required string Token { get; init; }

    /// <summary>Number of the attempt, where somebody counts them.</summary>
    public long? Attempt { get; init; }

    /// <summary>The GPU of each process, as CUDA names it; null on CPUs.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>Lays one node's processes out.</summary>
    /// <param name="options">What the launcher was told.</param>
    /// <param name="compute">The plan's machines and processes.</param>
    /// <param name="freePort">Finds a loopback port; asked only where one node has several processes.</param>
    /// <param name="newToken">Makes a secret; asked only for one node.</param>
    /// <exception cref="InvalidInputException">Several nodes without what they must be told, or fewer GPUs than processes.</exception>
    public static NodeLayout Of(LaunchOptions options, ComputeSpec compute, Func<int> freePort, Func<string> newToken)
    {
        var isAlone = compute.Nodes == 1;
        var nodeRank = options.NodeRank ?? (isAlone ? 0 : throw Missing("--node-rank", TrainerVariables.NodeRank));
        if (nodeRank >= compute.Nodes)
        {
            throw new InvalidInputException(
                "launch", "--node-rank", $"{nodeRank}", isAlone ? "0: the plan is for one node" : $"a number from 0 to {compute.Nodes - 1}: the plan is for {compute.Nodes} nodes");
        }

        return new NodeLayout
        {
            NodeRank = nodeRank,
            LocalSize = compute.LocalSize,
            WorldSize = compute.WorldSize,
            MasterAddress = options.MasterAddress ?? (isAlone ? "127.0.0.1" : throw Missing("--master-address", TrainerVariables.MasterAddress)),
            MasterPort = options.MasterPort ?? (isAlone ? (compute.WorldSize > 1 ? freePort() : 0) : throw Missing("--master-port", TrainerVariables.MasterPort)),
            // Nobody but this launcher's own processes needs to know the token of a single node.
            Token = isAlone ? newToken() : options.Token ?? throw Missing(null, TrainerVariables.RendezvousToken),
            Attempt = options.Attempt,
            Devices = compute.GpusPerNode > 0 ? DevicesOf(options.VisibleDevices, compute.GpusPerNode) : null,
        };

        InvalidInputException Missing(string? option, string variable) => new(
            "launch", option ?? variable, "nothing", $"a value{(option is null ? "" : $" (or {variable} in the environment)")}: the plan is for {compute.Nodes} nodes");
    }

    /// <summary>
    /// The environment of one of the node's processes: what to set, and with null what to remove. A run of one is told of no ranks at all,
    /// whatever the launcher itself inherited.
    /// </summary>
    /// <param name="localRank">The process's place among those of the node.</param>
    public IReadOnlyDictionary<string, string?> EnvironmentOf(int localRank)
    {
        var isOne = WorldSize == 1;
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [TrainerEnvironment.Rank] = isOne ? null : Text(RankOf(localRank)),
            [TrainerEnvironment.LocalRank] = isOne ? null : Text(localRank),
            [TrainerEnvironment.WorldSize] = isOne ? null : Text(WorldSize),
            [TrainerEnvironment.LocalWorldSize] = isOne ? null : Text(LocalSize),
            [TrainerVariables.NodeRank] = isOne ? null : Text(NodeRank),
            [TrainerVariables.MasterAddress] = isOne ? null : MasterAddress,
            [TrainerVariables.MasterPort] = isOne ? null : Text(MasterPort),
            [TrainerVariables.RendezvousToken] = isOne ? null : Token,
            [TrainerVariables.Attempt] = Attempt is { } attempt ? Text(attempt) : null,
            [TrainerEnvironment.ParentPipe] = "1",
        };
        if (Devices is not null)
        {
            environment[TrainerEnvironment.VisibleDevices] = Devices[localRank];
        }

        return environment;
    }

    /// <summary>A process's place among all: ranks of a node follow each other.</summary>
    public int RankOf(int localRank) => (NodeRank * LocalSize) + localRank;

    private static List<string> DevicesOf(string? visible, int count)
    {
        // An outer list (a scheduler's share of the machine) is what there is to hand out; without one, the machine's GPUs by number.
        var devices = visible is null
            ? [.. Enumerable.Range(0, count).Select(device => Text(device))]
            : visible.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToList();
        return devices.Count >= count
            ? devices
            : throw new InvalidInputException("environment", TrainerEnvironment.VisibleDevices, $"'{visible}'", $"at least {count} GPUs, as the plan's gpusPerNode says");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
