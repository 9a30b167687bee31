using System.Text.Json.Serialization;
using VisualPriors.Api.Json;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>Scores a multimodal checkpoint.</summary>
public sealed record EvalRun : Run
{
    /// <inheritdoc/>
    public override string Kind => "EvalRun";

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunReference? Upstream => Spec.From;

    /// <inheritdoc/>
    [JsonIgnore]
    public override RunSpec Common => Spec;

    /// <summary>What to score.</summary>
    public required EvalSpec Spec { get; init; }
}

/// <summary>Desired state of an <see cref="EvalRun"/>.</summary>
[ValidationRule(Expressions.OneProcess, "compute must come to one process: an EvalRun is not shared out")]
public sealed record EvalSpec : RunSpec
{
    /// <summary>Seed of anything random in scoring: the bootstrap of confidence intervals (decoding is greedy, paper.md 4.1).</summary>
    [Immutable]
    public long Seed { get; init; } = 42;

    /// <summary>The model: an SftRun.</summary>
    [Immutable]
    [AllowedKinds("SftRun")]
    public required RunReference From { get; init; }

    /// <summary>What to score it on.</summary>
    [Immutable]
    [ItemCount(1, 32, "suite")]
    public required IReadOnlyList<EvalSuiteSpec> Suites { get; init; }
}

/// <summary>The benchmarks there are.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<EvalSuiteKind>))]
public enum EvalSuiteKind
{
    /// <summary>Multi-Level Existence Bench: one four-choice question an image (paper.md 4.3).</summary>
    MleBench,
}

/// <summary>One benchmark over one prepared set of questions.</summary>
public sealed record EvalSuiteSpec
{
    /// <summary>Which benchmark.</summary>
    public required EvalSuiteKind Suite { get; init; }

    /// <summary>Name of the prepared questions (a folder below the data root).</summary>
    [Text(TextPatterns.DataName, TextPatterns.DataNameLength, TextPatterns.DataNameText)]
    public required string Data { get; init; }

    /// <summary>How an answer is had from the model.</summary>
    public Answering Answering { get; init; } = Answering.Generation;

    /// <summary>Ask every question a second time with its image withheld: what the text alone gives away.</summary>
    public bool Blind { get; init; }
}

/// <summary>Ways to have an answer to a question with choices.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<Answering>))]
public enum Answering
{
    /// <summary>The model writes freely, the likeliest token each time; the choice is parsed from what it wrote (the paper's way, paper.md 4.1).</summary>
    Generation,

    /// <summary>The choice that the model finds likeliest: for models too small to keep to the choices.</summary>
    Likelihood,
}
