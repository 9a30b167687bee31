using System.Text.Encodings.Web;
using System.Text.Json;
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

[JsonSerializable(typeof(ExistenceLine))]
internal sealed partial class BenchmarkJson : JsonSerializerContext
{
    /// <summary>Writes text as people would: <c>&lt;image&gt;</c> and apostrophes unescaped. No browser ever sees these files as code.</summary>
    public static BenchmarkJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
