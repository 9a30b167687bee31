using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;
using VisualPriors.Storage.Checkpoints;

namespace VisualPriors.Training.Checkpoints;

/// <summary>
/// Where every element of the optimizer state lies in a checkpoint, so that any number of ranks, sharded in any way, finds its own part. A part
/// of the checkpoint itself.
/// </summary>
internal sealed record CheckpointLayout
{
    /// <summary>Name of its part.</summary>
    public const string FileName = "layout.json";

    /// <summary>Largest one read.</summary>
    public const int MaximumBytes = 64 << 20;

    /// <summary>Elements of every unit's state, by name.</summary>
    public required IReadOnlyDictionary<string, long> Units { get; init; }

    /// <summary>Every range that was saved.</summary>
    public required IReadOnlyList<CheckpointSegment> Segments { get; init; }

    /// <summary>Reads a layout.</summary>
    /// <exception cref="InvalidInputException">It is malformed.</exception>
    public static CheckpointLayout Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, CheckpointJson.Default.CheckpointLayout) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(FileName, e.Path, e.Message, "where the state lies in a checkpoint");
        }
    }

    /// <summary>The segments that a range of a unit's elements is made of, and which elements of the range each gives.</summary>
    /// <exception cref="InvalidInputException">Elements of the range are missing.</exception>
    public IEnumerable<(CheckpointSegment Segment, long Start, long Length)> Cover(string unit, long start, long length)
    {
        var next = start;
        foreach (var segment in Segments.Where(segment => segment.Unit == unit).OrderBy(segment => segment.Start))
        {
            if (segment.Start <= next && next < start + length && segment.Start + segment.Length > next)
            {
                var end = Math.Min(segment.Start + segment.Length, start + length);
                yield return (segment, next, end - next);
                next = end;
            }
        }

        if (next != start + length)
        {
            throw new InvalidInputException(FileName, unit, $"no element {next}", $"elements {start} to {start + length - 1}");
        }
    }

    /// <summary>Checks that the state is of a model.</summary>
    /// <exception cref="InvalidInputException">It is another's.</exception>
    public void Check(IEnumerable<(string Name, long Elements)> units)
    {
        foreach (var (name, elements) in units)
        {
            if (!Units.TryGetValue(name, out var found) || found != elements)
            {
                throw new InvalidInputException(FileName, $"units.{name}", found == 0 ? "nothing" : $"{found} elements", $"{elements} elements, as the model has");
            }
        }
    }
}

/// <summary>A range of one unit's state in one part of a checkpoint.</summary>
/// <param name="Part">The part's name.</param>
/// <param name="Unit">The unit's name.</param>
/// <param name="Start">First element of the unit.</param>
/// <param name="Length">Elements.</param>
/// <param name="Offset">First byte of the masters in the part; first moments follow them, then second moments, fp32 all.</param>
internal sealed record CheckpointSegment(string Part, string Unit, long Start, long Length, long Offset);

/// <summary>What a rank tells the others after it wrote its part.</summary>
/// <param name="Parts">What it wrote.</param>
/// <param name="Segments">What lies in it.</param>
/// <param name="Error">Why it could not write; null where it could.</param>
/// <param name="IsFenced">Whether that is because a later attempt has taken over.</param>
internal sealed record RankPart(
    IReadOnlyList<CheckpointPart> Parts, IReadOnlyList<CheckpointSegment> Segments, string? Error = null, bool IsFenced = false);

/// <summary>Which attempt this is and where it goes on, as rank 0 tells the others.</summary>
/// <param name="Attempt">The attempt that holds the fence.</param>
/// <param name="Step">Step of the checkpoint to go on from; null for none.</param>
/// <param name="StepAttempt">The attempt that wrote that checkpoint.</param>
internal sealed record ResumePoint(long Attempt, long? Step, long? StepAttempt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckpointLayout))]
[JsonSerializable(typeof(RankPart))]
[JsonSerializable(typeof(ResumePoint))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
