using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Training.Loops;

/// <summary>
/// Losses and gradient norms of steps whose numbers have not been read yet. They stay on the device, so that the step waits for
/// nothing; reading them once every few steps is also when a value that is not finite comes to light (the optimizer has skipped that
/// update on the device by itself).
/// </summary>
internal sealed class PendingSteps : IDisposable
{
    private readonly List<Entry> _entries = [];

    /// <summary>Number of steps not read yet.</summary>
    public int Count => _entries.Count;

    /// <summary>Adds a step.</summary>
    /// <param name="line">What is known of it on the host.</param>
    /// <param name="sampleLosses">Summed loss of every sample of this rank, [samples]; owned from here on.</param>
    /// <param name="supervisedTokens">Supervised tokens of the global batch.</param>
    /// <param name="gradientNorm">Device scalar, the same on every rank; owned from here on.</param>
    /// <param name="sources">Source of every sample of this rank.</param>
    public void Add(MetricsLine line, Tensor sampleLosses, long supervisedTokens, Tensor gradientNorm, IReadOnlyList<string> sources) =>
        _entries.Add(new Entry(line, sampleLosses, supervisedTokens, gradientNorm, sources));

    /// <summary>Reads what is pending and forgets it. Every rank calls it after the same steps and gets the same lines.</summary>
    public IReadOnlyList<MetricsLine> Read(HostChannel channel)
    {
        if (_entries.Count == 0)
        {
            return [];
        }

        var own = _entries.Select(entry =>
        {
            using var losses = entry.SampleLosses.cpu();
            var values = losses.data<float>().ToArray();
            var bad = values.Zip(entry.Sources).Where(pair => !float.IsFinite(pair.First)).Select(pair => pair.Second).Distinct();
            return new LossPart(values.Sum(loss => (double)loss), string.Join(", ", bad));
        }).ToArray();
        var all = channel.AllGather(JsonSerializer.SerializeToUtf8Bytes(own, LossPartJson.Default.LossPartArray), CancellationToken.None)
            .Select(message => JsonSerializer.Deserialize(message, LossPartJson.Default.LossPartArray)!).ToList();
        var lines = _entries.Select((entry, i) => Line(entry, [.. all.Select(parts => parts[i])])).ToList();
        Dispose();
        return lines;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _entries)
        {
            entry.SampleLosses.Dispose();
            entry.GradientNorm.Dispose();
        }

        _entries.Clear();
    }

    private static MetricsLine Line(Entry entry, LossPart[] parts)
    {
        var loss = parts.Sum(part => part.Sum) / entry.SupervisedTokens;
        var norm = entry.GradientNorm.item<float>();
        var bad = string.Join(", ", parts.Select(part => part.Bad).Where(sources => sources.Length > 0));
        return entry.Line with
        {
            Loss = double.IsFinite(loss) ? loss : null,
            GradientNorm = float.IsFinite(norm) ? norm : null,
            Skipped = float.IsFinite(norm) ? null : true,
            SkippedSource = bad.Length > 0 ? bad : null,
        };
    }

    private sealed record Entry(MetricsLine Line, Tensor SampleLosses, long SupervisedTokens, Tensor GradientNorm, IReadOnlyList<string> Sources);
}

/// <summary>One rank's part of a step's loss.</summary>
/// <param name="Sum">Summed loss of its samples.</param>
/// <param name="Bad">Sources of the samples whose loss is not finite; empty where there is none.</param>
internal sealed record LossPart(double Sum, string Bad);

[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(LossPart[]))]
internal sealed partial class LossPartJson : JsonSerializerContext;
