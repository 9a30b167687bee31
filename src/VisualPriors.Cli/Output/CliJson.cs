using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>Why a command failed.</summary>
/// <param name="ExitCode">The exit code.</param>
/// <param name="Message">What happened.</param>
/// <param name="Errors">What is wrong with the input, one by one; empty when it is something else.</param>
internal sealed record ErrorReport(int ExitCode, string Message, IReadOnlyList<InputError> Errors);

/// <summary>An <see cref="ErrorReport"/> as a document of its own.</summary>
internal sealed record ErrorDocument(ErrorReport Error);

/// <summary>What <c>vp validate</c> says.</summary>
internal sealed record PlanDocument(IReadOnlyList<StageSummary> Stages);

/// <summary>What <c>vp plan</c> says. Sizes in bytes, per GPU but for checkpoints; what is estimated is so called in <c>estimated</c>.</summary>
/// <param name="Gpu">The kind of GPU, and the utilisation that is assumed.</param>
/// <param name="Estimated">Names of the members that are estimates; all others are exact.</param>
/// <param name="Runs">Every training run, its own model first.</param>
internal sealed record EstimateDocument(GpuSpecification Gpu, IReadOnlyList<string> Estimated, IReadOnlyList<RunEstimate> Runs);

/// <summary>What <c>vp report</c> says.</summary>
internal sealed record ReportDocument(string Report);

/// <summary>What <c>vp export</c> says.</summary>
internal sealed record ExportDocument(string Address, IReadOnlyList<string> Files, long TensorBytes);

/// <summary>What <c>vp import</c> says.</summary>
internal sealed record ImportDocument(string Artifact, string Digest);

/// <summary>What <c>vp publish</c> says.</summary>
internal sealed record PublishDocument(IReadOnlyList<PublishedSet> DataSets);

/// <summary>A data set that lies in a store.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Digest">Its content digest.</param>
/// <param name="Bytes">Size of all its files.</param>
/// <param name="Address">Where it lies.</param>
/// <param name="SentBytes">What had to be sent.</param>
/// <param name="WasThere">Whether it lay there already.</param>
internal sealed record PublishedSet(string Name, string Kind, string Digest, long Bytes, string Address, long SentBytes, bool WasThere);

/// <summary>What <c>vp fetch</c> says without a manifest.</summary>
internal sealed record FetchDocument(IReadOnlyList<FetchedStage> Stages);

/// <summary>A stage that was fetched.</summary>
internal sealed record FetchedStage(string Digest, string Kind, string Directory);

/// <summary>What <c>vp prepare</c> says, line by line.</summary>
internal sealed record PreparationEvent(string Step, double Fraction, string Detail);

/// <summary>A stage before the run.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Kind">Kind of the run.</param>
/// <param name="From">Name of its upstream run, if it has one.</param>
/// <param name="Steps">Optimizer steps, or questions.</param>
/// <param name="Digest">Stage digest.</param>
/// <param name="Finished">Whether its artifact is there.</param>
internal sealed record StageSummary(string Run, string Kind, string? From, long Steps, string Digest, bool Finished)
{
    /// <summary>All of an experiment's.</summary>
    public static IReadOnlyList<StageSummary> Of(Experiment experiment) =>
    [
        .. experiment.Stages.Select(stage => new StageSummary(
            stage.Name, stage.Planned.Run.Kind, stage.Planned.Run.Upstream?.Name, stage.Steps, stage.Planned.Digest, stage.Finished is not null)),
    ];
}

/// <summary>One line of <c>vp run --json</c>; <see cref="Event"/> says which other members are there.</summary>
internal sealed record RunEvent
{
    /// <summary><c>planned</c>, then per stage <c>started</c>, <c>progress</c> and <c>ended</c>, at last <c>finished</c>.</summary>
    public required string Event { get; init; }

    public IReadOnlyList<StageSummary>? Stages { get; init; }

    public string? Run { get; init; }

    public string? Kind { get; init; }

    public ProgressReport? Progress { get; init; }

    public StageRecord? Stage { get; init; }

    public JsonObject? Summary { get; init; }

    public string? Report { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(PlanDocument))]
[JsonSerializable(typeof(EstimateDocument))]
[JsonSerializable(typeof(ReportDocument))]
[JsonSerializable(typeof(ExportDocument))]
[JsonSerializable(typeof(ImportDocument))]
[JsonSerializable(typeof(PublishDocument))]
[JsonSerializable(typeof(FetchDocument))]
[JsonSerializable(typeof(PreparationEvent))]
[JsonSerializable(typeof(RunEvent))]
internal sealed partial class CliJsonContext : JsonSerializerContext;

/// <summary>How results are written as JSON.</summary>
internal static class CliJson
{
    /// <summary>One line per value.</summary>
    public static CliJsonContext Line { get; } = Create(isIndented: false);

    /// <summary>For documents that people look at too.</summary>
    public static CliJsonContext Indented { get; } = Create(isIndented: true);

    // Quotes and letters of any language stay as they are: nothing of this goes into a web page.
    private static CliJsonContext Create(bool isIndented) => new(new JsonSerializerOptions(CliJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = isIndented,
    });
}
