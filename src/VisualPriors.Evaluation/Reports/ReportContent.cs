using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Reports;

/// <summary>Everything that a report shows, read from a run's output folder.</summary>
internal sealed record ReportContent
{
    public required string Name { get; init; }

    public required RunRecord Run { get; init; }

    public required IReadOnlyList<StageContent> Stages { get; init; }

    /// <summary>Where the data came from, with terms; empty where the prepared data is out of reach.</summary>
    public required IReadOnlyList<DataOrigin> Origins { get; init; }

    public IEnumerable<StageContent> Of(string kind) => Stages.Where(stage => stage.Record.Kind == kind);
}

/// <summary>One stage, with what its artifact holds. Parts that an artifact lacks are empty or null.</summary>
internal sealed record StageContent
{
    public required StageRecord Record { get; init; }

    public required IReadOnlyList<MetricLine> Metrics { get; init; }

    public required IReadOnlyList<MixtureEntry> Mixture { get; init; }

    public required EvaluationResults? Results { get; init; }

    public required IReadOnlyList<AnswerRecord> Samples { get; init; }

    /// <summary>The plan's <c>computation</c> and <c>placement</c>, as they stand.</summary>
    public required JsonElement? Computation { get; init; }

    /// <summary>Folder of every input by role.</summary>
    public required IReadOnlyDictionary<string, string> InputFolders { get; init; }
}

/// <summary>Where some of the data came from.</summary>
/// <param name="Name">What it is called here.</param>
/// <param name="Description">What it is.</param>
/// <param name="Licence">On what terms.</param>
/// <param name="Amount">How much of it there is, in words; empty where unknown.</param>
internal sealed record DataOrigin(string Name, string Description, string Licence, string Amount);

/// <summary>Reads a run's output folder.</summary>
internal static class ReportReader
{
    /// <summary>Largest file read whole: a run's records are far smaller, and a report must fit in memory.</summary>
    private const long MaximumBytes = 512L << 20;

    public static ReportContent Read(string outputDirectory)
    {
        var run = RunRecord.Read(outputDirectory);
        var stages = run.Stages.Select(record => ReadStage(outputDirectory, record)).ToArray();
        return new ReportContent
        {
            Name = new DirectoryInfo(outputDirectory).Name,
            Run = run,
            Stages = stages,
            Origins = OriginReader.Read(stages),
        };
    }

    private static StageContent ReadStage(string outputDirectory, StageRecord record)
    {
        var directory = SafePath.Below(outputDirectory, record.Artifact)!;
        var (computation, folders) = ReadPlan(Path.Combine(directory, "plan.json"));
        var results = Path.Combine(directory, EvaluationFiles.ResultsName);
        var samples = Path.Combine(directory, EvaluationFiles.SamplesName);
        return new StageContent
        {
            Record = record with { Kind = record.Kind.ToLowerInvariant() },
            Metrics = Lines(Path.Combine(directory, "metrics.jsonl")).ToArray(),
            Mixture = ReadMixture(Path.Combine(directory, "mixture.json")),
            Results = Exists(results) ? EvaluationFiles.ReadResults(results) : null,
            Samples = Exists(samples) ? EvaluationFiles.ReadSamples(samples).ToArray() : [],
            Computation = computation,
            InputFolders = record.Inputs ?? folders,
        };
    }

    private static IEnumerable<MetricLine> Lines(string path)
    {
        var line = 0;
        foreach (var text in Exists(path) ? File.ReadLines(path) : [])
        {
            line++;
            yield return Parse(path, line, () => JsonSerializer.Deserialize(text, ReportJson.Default.MetricLine), "a training step or a validation");
        }
    }

    private static MixtureEntry[] ReadMixture(string path) => Exists(path)
        ? Parse(path, null, () => JsonSerializer.Deserialize(File.ReadAllBytes(path), ReportJson.Default.MixtureEntryArray), "a mixture")
        : [];

    private static (JsonElement? Computation, IReadOnlyDictionary<string, string> Folders) ReadPlan(string path)
    {
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!Exists(path))
        {
            return (null, folders);
        }

        using var document = Parse(path, null, () => JsonDocument.Parse(File.ReadAllBytes(path)), "a stage plan");
        var root = document.RootElement;
        foreach (var input in Json.Members(Json.Member(Json.Member(root, "placement"), "inputs")))
        {
            if (input.Value.ValueKind == JsonValueKind.String)
            {
                folders[input.Name] = input.Value.GetString()!;
            }
        }

        return (Json.Member(root, "computation")?.Clone(), folders);
    }

    /// <summary>Whether a file is there; too large a one is refused.</summary>
    internal static bool Exists(string path)
    {
        var file = new FileInfo(path);
        if (file.Exists && file.Length > MaximumBytes)
        {
            throw new InvalidInputException(path, null, $"{file.Length} bytes", $"at most {MaximumBytes} bytes");
        }

        return file.Exists;
    }

    internal static T Parse<T>(string path, int? line, Func<T?> parse, string expected)
    {
        try
        {
            return parse() ?? throw new InvalidInputException(path, null, "null", expected, line);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, expected, line ?? (int?)(e.LineNumber + 1));
        }
    }
}

/// <summary>Reading JSON whose every part may be missing.</summary>
internal static class Json
{
    public static JsonElement? Member(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } parent && parent.TryGetProperty(name, out var value) ? value : null;

    public static IEnumerable<JsonProperty> Members(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Object } parent ? parent.EnumerateObject() : [];

    public static IEnumerable<JsonElement> Items(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Array } parent ? parent.EnumerateArray() : [];

    public static string Text(JsonElement? element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    public static double? Number(JsonElement? element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;
}
