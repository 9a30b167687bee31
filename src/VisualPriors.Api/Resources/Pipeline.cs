using VisualPriors.Api.Schemas;

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
[ValidationRule(Expressions.UpstreamsAreStages, "from of every stage must name another stage of the pipeline, of that kind")]
public sealed record PipelineSpec
{
    /// <summary>The stages, in any order: <c>from</c> orders them.</summary>
    [Immutable]
    [ItemCount(1, 32, "stage")]
    [ListKey("name")]
    public required IReadOnlyList<PipelineStage> Stages { get; init; }

    /// <summary>Hold all stages' runs, and make no further ones. On a cluster.</summary>
    public bool Suspend { get; init; }

    /// <summary>Seconds after its end that the pipeline is deleted, with its runs; left out, it is kept. Artifacts stay. On a cluster.</summary>
    [Minimum(0)]
    public int? TtlSecondsAfterFinished { get; init; }
}

/// <summary>
/// A stage: a name and one run's desired state. The run is called <c>pipeline-stage</c>. In a pipeline <c>from.name</c> means a stage of the same
/// pipeline, of the kind that <c>from.kind</c> says.
/// </summary>
[ValidationRule(Expressions.OneSpec, "a stage must have exactly one of pretrain, align, sft and eval")]
[ValidationRule(Expressions.NoTimeToLive, "ttlSecondsAfterFinished must be left out of a stage: the pipeline's own goes for its stages")]
public sealed record PipelineStage
{
    /// <summary>Its name, once per pipeline: an RFC 1123 label.</summary>
    [Text(TextPatterns.Label, 52, TextPatterns.LabelText)]
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
    [ItemCount(0, 16, "gate")]
    public IReadOnlyList<PipelineGate>? Gates { get; init; }
}

/// <summary>A bound on one result of a stage.</summary>
[ValidationRule("has(self.minimum) || has(self.maximum)", "a gate must have minimum, maximum or both")]
[ValidationRule("!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum", "minimum of a gate must be at most its maximum")]
public sealed record PipelineGate
{
    /// <summary>Name of a scalar result, such as <c>overall</c>, <c>finalValidationLoss</c> or <c>finalLoss</c>.</summary>
    [Text("[A-Za-z][A-Za-z0-9._/-]*", 63, "a result's name: letters, digits and '._/-'")]
    public required string Score { get; init; }

    /// <summary>The least it may be; at least one of the two bounds is given.</summary>
    public double? Minimum { get; init; }

    /// <summary>The most it may be (for losses).</summary>
    public double? Maximum { get; init; }
}
