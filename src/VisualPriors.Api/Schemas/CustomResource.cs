using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Schemas;

/// <summary>A column that <c>kubectl get</c> prints.</summary>
/// <param name="Name">Its head.</param>
/// <param name="Path">Where its value is, as a JSONPath.</param>
/// <param name="Type"><c>string</c>, <c>integer</c> or <c>date</c>.</param>
/// <param name="Description">What it means.</param>
/// <param name="IsWide">Printed with <c>-o wide</c> only.</param>
internal sealed record PrinterColumn(string Name, string Path, string Type, string Description, bool IsWide = false);

/// <summary>A kind as an API server knows it.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="ShortName">What people may type instead of its plural.</param>
/// <param name="Type">The C# type.</param>
/// <param name="Status">The C# type of its status.</param>
/// <param name="LongestName">The most characters of its objects' names.</param>
/// <param name="Columns">What <c>kubectl get</c> prints beside the name.</param>
internal sealed record CustomResource(string Kind, string ShortName, JsonTypeInfo Type, JsonTypeInfo Status, int LongestName, IReadOnlyList<PrinterColumn> Columns)
{
    /// <summary>The API group of all kinds.</summary>
    public const string Group = "visualpriors.dev";

    /// <summary>Their version.</summary>
    public const string Version = "v1alpha1";

    private static readonly PrinterColumn Phase = new("Phase", ".status.phase", "string", "Where it stands.");
    private static readonly PrinterColumn Age = new("Age", ".metadata.creationTimestamp", "date", "Since it was made.");
    private static readonly PrinterColumn Eta = new("ETA", ".status.progress.eta", "string", "Time left.");
    private static readonly PrinterColumn Attempt = new("Attempt", ".status.attempt", "integer", "Number of the attempt.");

    private static readonly PrinterColumn Accepted =
        new("Accepted", ".status.conditions[?(@.type==\"Accepted\")].status", "string", "Whether its spec keeps every rule.", IsWide: true);

    private static readonly PrinterColumn[] RunDetails =
    [
        new("Restarts", ".status.restarts", "integer", "Attempts that failed and were followed by another.", IsWide: true),
        Accepted,
        new("Failure", ".status.failure.reason", "string", "Why the last failed attempt failed.", IsWide: true),
        new("Node", ".status.failure.node", "string", "The Kubernetes node of that failure.", IsWide: true),
        new("Digest", ".status.stageDigest", "string", "What it computes: equal digests, equal artifacts.", IsWide: true),
    ];

    private static readonly PrinterColumn[] Training =
    [
        Phase,
        new("Step", ".status.progress.steps", "string", "Optimizer steps done, of all."),
        new("Loss", ".status.progress.loss", "string", "Training loss, nats per token."),
        new("Tokens/s", ".status.progress.tokensPerSecond", "integer", "Tokens per second."),
        Eta,
        Attempt,
        Age,
        new("Checkpoint", ".status.progress.checkpointStep", "integer", "Step of the last whole checkpoint.", IsWide: true),
        .. RunDetails,
    ];

    /// <summary>Every kind, in the order of a chain.</summary>
    public static IReadOnlyList<CustomResource> All { get; } =
    [
        new(
            "PretrainRun", "prun", ManifestJson.Default.PretrainRun, StatusJson.Default.RunStatus, ObjectMeta.LongestRunName,
            [.. Training, new("Validation", ".status.progress.validationLoss", "string", "Validation loss, nats per token.", IsWide: true)]),
        new("AlignRun", "arun", ManifestJson.Default.AlignRun, StatusJson.Default.RunStatus, ObjectMeta.LongestRunName, Training),
        new("SftRun", "srun", ManifestJson.Default.SftRun, StatusJson.Default.RunStatus, ObjectMeta.LongestRunName, Training),
        new(
            "EvalRun", "erun", ManifestJson.Default.EvalRun, StatusJson.Default.RunStatus, ObjectMeta.LongestRunName,
            [
                Phase,
                new("Questions", ".status.progress.steps", "string", "Questions asked, of all."),
                new("Accuracy", ".status.progress.accuracy", "string", "Share of questions answered right."),
                Eta,
                Attempt,
                Age,
                .. RunDetails,
            ]),
        new(
            Pipeline.Kind, "pline", ManifestJson.Default.Pipeline, StatusJson.Default.PipelineStatus, ObjectMeta.LongestRunName - 2,
            [Phase, new("Stages", ".status.progress", "string", "Stages succeeded, of all."), Age, Accepted]),
    ];

    /// <summary>Its name in addresses and commands, such as <c>pretrainruns</c>.</summary>
    public string Plural => Singular + "s";

    /// <summary>The same for one.</summary>
    public string Singular => Kind.ToLowerInvariant();

    /// <summary>Name of its definition.</summary>
    public string Name => $"{Plural}.{Group}";
}
