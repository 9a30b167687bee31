using System.Text.Json;
using System.Text.Json.Serialization;

namespace VisualPriors.Training.Loops;

/// <summary>Writes <c>metrics.jsonl</c>: a line a step, and a line a validation.</summary>
public sealed class MetricsLog(string path) : IDisposable
{
    /// <summary>Name of the file in a stage's artifact.</summary>
    public const string FileName = "metrics.jsonl";

    private readonly StreamWriter _writer = new(path);

    /// <summary>Adds a line.</summary>
    public void Write(MetricsLine line) => _writer.WriteLine(JsonSerializer.Serialize(line, MetricsJson.Default.MetricsLine));

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}

/// <summary>One line of <c>metrics.jsonl</c>: a training step's figures or a validation's.</summary>
public sealed record MetricsLine
{
    /// <summary>Optimizer steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Tokens trained on so far.</summary>
    public required long Tokens { get; init; }

    /// <summary>Mean loss per supervised token of the step, in nats.</summary>
    public double? Loss { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Global gradient norm before clipping.</summary>
    public double? GradientNorm { get; init; }

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
