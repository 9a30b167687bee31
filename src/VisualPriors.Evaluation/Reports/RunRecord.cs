using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;

namespace VisualPriors.Evaluation.Reports;

/// <summary>What a local run leaves at its end: the content of <c>run.json</c>, from which a report finds everything else.</summary>
public sealed record RunRecord
{
    /// <summary>Name of the file in the run's output folder.</summary>
    public const string FileName = "run.json";

    /// <summary>Every stage, in the order of the chain.</summary>
    public required IReadOnlyList<StageRecord> Stages { get; init; }

    /// <summary>Text of the manifest that was run.</summary>
    public string? Manifest { get; init; }

    /// <summary>Writes <c>run.json</c> into an output folder.</summary>
    public static void Write(string outputDirectory, RunRecord run) =>
        File.WriteAllBytes(Path.Combine(outputDirectory, FileName), JsonSerializer.SerializeToUtf8Bytes(run, ReportJson.Default.RunRecord));

    /// <summary>Reads an output folder's <c>run.json</c>.</summary>
    /// <exception cref="InvalidInputException">It is not there, not of this form, or names a folder outside the output folder.</exception>
    public static RunRecord Read(string outputDirectory)
    {
        var path = Path.Combine(outputDirectory, FileName);
        if (!File.Exists(path))
        {
            throw new InvalidInputException(path, null, "no such file", "the record of a finished run");
        }

        RunRecord? run;
        try
        {
            run = JsonSerializer.Deserialize(File.ReadAllBytes(path), ReportJson.Default.RunRecord);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "the record of a run", (int?)(e.LineNumber + 1));
        }

        if (run is null)
        {
            throw new InvalidInputException(path, null, "null", "the record of a run");
        }

        for (var i = 0; i < run.Stages.Count; i++)
        {
            if (SafePath.Below(outputDirectory, run.Stages[i].Artifact) is null)
            {
                throw new InvalidInputException(path, $"stages[{i}].artifact", run.Stages[i].Artifact, "a folder below the output folder");
            }
        }

        return run;
    }
}

/// <summary>One finished stage of a run.</summary>
public sealed record StageRecord
{
    /// <summary>Name of the run.</summary>
    public required string Run { get; init; }

    /// <summary>What it did: <c>pretrain</c>, <c>align</c>, <c>sft</c> or <c>eval</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The stage digest.</summary>
    public required string Digest { get; init; }

    /// <summary>The artifact's folder, relative to the output folder.</summary>
    public required string Artifact { get; init; }

    /// <summary>How long the computing took, whenever that was.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether this run found it finished already.</summary>
    public bool Reused { get; init; }

    /// <summary>Folder of every input by role, where it is not the one of the stage's plan: the stage was computed elsewhere.</summary>
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }

    /// <summary>Scalar results by name, as the stage's outcome gave them.</summary>
    public IReadOnlyDictionary<string, double> Results { get; init; } = new Dictionary<string, double>();
}

/// <summary>One line of <c>metrics.jsonl</c>: a training step or a validation. Fields of the other kind are null.</summary>
internal sealed record MetricLine
{
    public required long Step { get; init; }

    public long? Tokens { get; init; }

    public double? Loss { get; init; }

    public double? ValidationLoss { get; init; }

    public IReadOnlyDictionary<string, double>? ValidationLossBySource { get; init; }
}

/// <summary>One entry of <c>mixture.json</c>: the weight wanted and what was drawn.</summary>
internal sealed record MixtureEntry(string Source, double Weight, long Samples, double Share);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(MetricLine))]
[JsonSerializable(typeof(MixtureEntry[]))]
[JsonSerializable(typeof(ChartData))]
internal sealed partial class ReportJson : JsonSerializerContext;
