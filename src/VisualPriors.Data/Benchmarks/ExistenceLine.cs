using System.Text.Json.Serialization;

namespace VisualPriors.Data.Benchmarks;

/// <summary>A line of MLE-Bench's <c>data.jsonl</c>.</summary>
internal sealed record ExistenceLine
{
    public required string Image { get; init; }

    public required string Question { get; init; }

    public required IReadOnlyList<string> Choices { get; init; }

    public required string Answer { get; init; }

    public required string AnswerText { get; init; }

    public required string SubTask { get; init; }

    /// <summary>Measured share of the pixels that the thing covers: ours, the public file has none.</summary>
    public required double Coverage { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExistenceLine))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;
