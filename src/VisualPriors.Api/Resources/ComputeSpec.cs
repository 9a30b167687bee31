using System.Text.Json.Serialization;
using VisualPriors.Api.Json;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>Numeric precision of the compute copies; masters and optimizer state are always fp32.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<Precision>))]
public enum Precision
{
    /// <summary>bf16 matrix products over fp32 masters (the paper's, INFERRED: paper.md 1.1).</summary>
    Bf16,

    /// <summary>Everything in fp32: for comparisons and references.</summary>
    Fp32,
}

/// <summary>Where and how a run computes. Only <see cref="Precision"/> changes what is computed.</summary>
[ValidationRule("self.gpusPerNode == 0 || self.processesPerNode == 1", "processesPerNode must be left out beside gpusPerNode: there is one process for each GPU")]
public sealed record ComputeSpec
{
    /// <summary>Most machines of a run: more than any run so far, and few enough for an operator to watch one by one (INFERRED).</summary>
    public const int MaximumNodes = 4096;

    /// <summary>Precision of the compute copies.</summary>
    public Precision Precision { get; init; } = Precision.Bf16;

    /// <summary>CPU threads per process; 0 shares a node's cores out among its processes.</summary>
    [Minimum(0)]
    public int Threads { get; init; }

    /// <summary>Machines. Locally, one.</summary>
    [Minimum(1)]
    [Maximum(MaximumNodes)]
    public int Nodes { get; init; } = 1;

    /// <summary>GPUs of each machine, one process for each; 0 computes on CPUs.</summary>
    [Minimum(0)]
    [Maximum(16)]
    public int GpusPerNode { get; init; }

    /// <summary>Processes of each machine that has no GPUs.</summary>
    [Minimum(1)]
    [Maximum(256)]
    public int ProcessesPerNode { get; init; } = 1;

    /// <summary>Processes of one machine.</summary>
    [JsonIgnore]
    public int LocalSize => GpusPerNode > 0 ? GpusPerNode : ProcessesPerNode;

    /// <summary>Processes of all machines.</summary>
    [JsonIgnore]
    public int WorldSize => Nodes * LocalSize;

    /// <summary>What the processes share out among them.</summary>
    public ShardingSpec Sharding { get; init; } = new();

    /// <summary>What the pods have beyond what the operator gives them. Never part of a plan.</summary>
    public PodOverrides? Pod { get; init; }

    /// <summary>Keep only each block's input for the backward pass and compute the rest again there: less memory, a third more work.</summary>
    public bool ActivationCheckpointing { get; init; }
}

/// <summary>How parameters, gradients and optimizer state are shared out among processes.</summary>
public sealed record ShardingSpec
{
    /// <summary>
    /// ZeRO stage: 0 shares nothing out; 1 the optimizer state; 2 gradients, too; 3 the blocks' parameters, too (and implies activation
    /// checkpointing). Flame's default is 3 (FSDP); 1 is ours: the least communication, and enough up to 3B on 80 GB (INFERRED, see `vp plan`).
    /// </summary>
    [Minimum(0)]
    [Maximum(3)]
    public int ZeroStage { get; init; } = 1;

    /// <summary>Share out within each node and replicate across nodes (hybrid sharding): all but one reduction a step stays within the node.</summary>
    public bool WithinNode { get; init; }
}
