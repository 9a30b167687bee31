using System.Text.Json;
using System.Text.Json.Serialization;

namespace VisualPriors.Training.Loops;

/// <summary>
/// The run so far, a line a step and a line a validation. Kept in memory, the same on every rank: checkpoints carry it, so that a run that was
/// interrupted ends with the whole story, and the artifact gets it as <c>metrics.jsonl</c>.
/// </summary>
public sealed class MetricsLog
{
    /// <summary>Name of the file in a stage's artifact, and of the part in a checkpoint.</summary>
    public const string FileName = "metrics.jsonl";

    private readonly List<MetricsLine> _lines = [];

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyList<MetricsLine> Lines => _lines;

    /// <summary>Adds a line.</summary>
    public void Write(MetricsLine line) => _lines.Add(line);

    /// <summary>The lines as JSON, one a line.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        foreach (var line in _lines)
        {
            JsonSerializer.Serialize(stream, line, MetricsJson.Default.MetricsLine);
            stream.WriteByte((byte)'\n');
        }

        return stream.ToArray();
    }

    /// <summary>Goes back to lines that <see cref="ToBytes"/> gave.</summary>
    /// <exception cref="JsonException">They are not such lines.</exception>
    public void Restore(ReadOnlySpan<byte> bytes)
    {
        _lines.Clear();
        foreach (var range in bytes.Split((byte)'\n'))
        {
            if (!bytes[range].IsEmpty)
            {
                _lines.Add(JsonSerializer.Deserialize(bytes[range], MetricsJson.Default.MetricsLine) ?? throw new JsonException("a line is null"));
            }
        }
    }
}

/// <summary>One line of <c>metrics.jsonl</c>: a training step's figures, a validation's, or a rollback.</summary>
public sealed record MetricsLine
{
    /// <summary>Optimizer steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Tokens trained on so far.</summary>
    public required long Tokens { get; init; }

    /// <summary>Mean loss per supervised token of the step, in nats; null where it is not finite.</summary>
    public double? Loss { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Global gradient norm before clipping; null where it is not finite.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>True where the update was left out, because loss or gradient was not finite.</summary>
    public bool? Skipped { get; init; }

    /// <summary>Samples whose loss was not finite, by their sources.</summary>
    public string? SkippedSource { get; init; }

    /// <summary>Step of the loss spike that training went back from, to this line's step.</summary>
    public long? RolledBackFrom { get; init; }

    /// <summary>Mean validation loss per token, in nats.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The same by source.</summary>
    public IReadOnlyDictionary<string, double>? ValidationLossBySource { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(MetricsLine))]
internal sealed partial class MetricsJson : JsonSerializerContext;
