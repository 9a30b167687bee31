namespace VisualPriors.Api.Resources;

/// <summary>Chains runs: makes each stage's run once the one before it has succeeded and kept its gates, and tells one story of all.</summary>
public sealed record Pipeline
{
    /// <summary>The kind, as in the manifest.</summary>
    public const string Kind = "Pipeline";

    /// <summary>Name and labels.</summary>
    public required ObjectMeta Metadata { get; init; }

    /// <summary>The stages.</summary>
    public required PipelineSpec Spec { get; init; }
}

/// <summary>Desired state of a <see cref="Pipeline"/>.</summary>
public sealed record PipelineSpec
{
    /// <summary>The stages, in any order: <c>from</c> orders them.</summary>
    public required IReadOnlyList<PipelineStage> Stages { get; init; }

    /// <summary>Hold all stages' runs, and make no further ones. On a cluster.</summary>
    public bool Suspend { get; init; }

    /// <summary>Seconds after its end that the pipeline is deleted, with its runs; null keeps it. Artifacts stay. On a cluster.</summary>
    public int? TtlSecondsAfterFinished { get; init; }
}

/// <summary>
/// A stage: a name and one run's desired state. The run is called <c>pipeline-stage</c>. In a pipeline <c>from.name</c> means a stage of the same
/// pipeline, of the kind that <c>from.kind</c> says.
/// </summary>
public sealed record PipelineStage
{
    /// <summary>Its name, once per pipeline: an RFC 1123 label.</summary>
    public required string Name { get; init; }

    /// <summary>A PretrainRun's spec; exactly one of the four is given.</summary>
    public PretrainSpec? Pretrain { get; init; }

    /// <summary>An AlignRun's spec; its <c>from</c> names a stage.</summary>
    public AlignSpec? Align { get; init; }

    /// <summary>An SftRun's spec; its <c>from</c> names a stage.</summary>
    public SftSpec? Sft { get; init; }

    /// <summary>An EvalRun's spec; its <c>from</c> names a stage.</summary>
    public EvalSpec? Eval { get; init; }

    /// <summary>What the stage's results must reach; when one is missed the pipeline ends there as failed.</summary>
    public IReadOnlyList<PipelineGate>? Gates { get; init; }
}

/// <summary>A bound on one result of a stage.</summary>
public sealed record PipelineGate
{
    /// <summary>Name of a scalar result, such as <c>overall</c>, <c>finalValidationLoss</c> or <c>finalLoss</c>.</summary>
    public required string Score { get; init; }

    /// <summary>The least it may be; at least one of the two bounds is given.</summary>
    public double? Minimum { get; init; }

    /// <summary>The most it may be (for losses).</summary>
    public double? Maximum { get; init; }
}
