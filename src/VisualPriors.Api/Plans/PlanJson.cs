using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Errors;

namespace VisualPriors.Api.Plans;

/// <summary>The contract between control plane and trainer as JSON: a plan is a file, messages are lines.</summary>
public static class PlanJson
{
    /// <summary>Largest plan read.</summary>
    public const int MaximumPlanBytes = 1 << 20;

    /// <summary>Longest message line read, in characters.</summary>
    public const int MaximumMessageLength = 1 << 16;

    /// <summary>Largest progress report read on its own.</summary>
    public const int MaximumReportBytes = 1 << 14;

    /// <summary>What shortening leaves of an outcome's texts, in characters, before it gives up the results.</summary>
    private const int ShortestText = 200;

    /// <summary>One line, and every letter as it is: escaped, most alphabets take three times the room.</summary>
    private static readonly MessageJson Compact = new(new JsonSerializerOptions(MessageJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static readonly JsonTypeInfo<StagePlan> PlanType = (JsonTypeInfo<StagePlan>)new JsonSerializerOptions(ContractJson.Default.Options)
    {
        TypeInfoResolver = ContractJson.Default.WithAddedModifier(AskForEveryMember),
    }.GetTypeInfo(typeof(StagePlan));

    /// <summary>A plan as indented JSON.</summary>
    public static byte[] Write(StagePlan plan) => JsonSerializer.SerializeToUtf8Bytes(plan, PlanType);

    /// <summary>Reads a plan's file.</summary>
    /// <exception cref="InvalidInputException">It is missing, too large, of another version, or not a plan to the last member.</exception>
    public static StagePlan Read(string path)
    {
        byte[] bytes;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaximumPlanBytes)
            {
                throw new InvalidInputException(path, null, $"{stream.Length} bytes", $"a stage plan of at most {MaximumPlanBytes} bytes");
            }

            bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : e.Message, "a stage plan");
        }

        try
        {
            // The version comes first: another version's members would only make for a misleading error.
            var version = JsonSerializer.Deserialize(bytes, ContractJson.Default.VersionOnly)!.Version;
            if (version != StagePlan.CurrentVersion)
            {
                throw new InvalidInputException(path, "version", version?.ToString() ?? "nothing", $"{StagePlan.CurrentVersion}");
            }

            return JsonSerializer.Deserialize(bytes, PlanType)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            // NotSupportedException: a stage without its discriminator.
            var json = e as JsonException;
            throw new InvalidInputException(path, json?.Path, e.Message, "a stage plan", (int?)(json?.LineNumber + 1));
        }
    }

    /// <summary>A message as one line, without line end. Numbers that are not finite are written as text: <c>"NaN"</c>.</summary>
    public static string WriteLine(TrainerMessage message) => JsonSerializer.Serialize(message, MessageJson.Default.TrainerMessage);

    /// <summary>Reads a message's line; false when it is none (libraries may print to standard output).</summary>
    public static bool TryReadLine(string line, out TrainerMessage message)
    {
        message = new TrainerMessage();
        if (line.Length is 0 or > MaximumMessageLength)
        {
            return false;
        }

        try
        {
            message = JsonSerializer.Deserialize(line, MessageJson.Default.TrainerMessage) ?? message;
            return message.Progress is null != message.Outcome is null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A progress report alone, as it is posted to an operator.</summary>
    public static byte[] WriteReport(ProgressReport report) => JsonSerializer.SerializeToUtf8Bytes(report, MessageJson.Default.ProgressReport);

    /// <summary>Reads a progress report that anybody may have sent.</summary>
    /// <exception cref="InvalidInputException">It is too large, or no progress report.</exception>
    public static ProgressReport ReadReport(ReadOnlySpan<byte> json)
    {
        const string Where = "progress report";
        if (json.Length > MaximumReportBytes)
        {
            throw new InvalidInputException(Where, null, $"{json.Length} bytes", $"at most {MaximumReportBytes} bytes");
        }

        try
        {
            return JsonSerializer.Deserialize(json, MessageJson.Default.ProgressReport) ?? throw new InvalidInputException(Where, null, "null", "a progress report");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(Where, e.Path, e.Message, "a progress report");
        }
    }

    /// <summary>
    /// An outcome alone, as one line of at most so many bytes of UTF-8 (see <see cref="TrainerContract.TerminationMessageBytes"/>): its texts are
    /// shortened in their middle, and if that is not enough, its results left out.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">So little has no room for an outcome.</exception>
    public static string WriteOutcome(StageOutcome outcome, int maximumBytes) =>
        TryWrite(outcome, ShortestText, maximumBytes)
        ?? TryWrite(outcome with { Results = null }, 0, maximumBytes)
        ?? throw new ArgumentOutOfRangeException(nameof(maximumBytes), maximumBytes, "no room for an outcome");

    /// <summary>Reads an outcome; false where the text is none (a container that was killed leaves nothing, or what others wrote).</summary>
    public static bool TryReadOutcome(string? json, [NotNullWhen(true)] out StageOutcome? outcome)
    {
        outcome = null;
        if (string.IsNullOrWhiteSpace(json) || json.Length > MaximumMessageLength)
        {
            return false;
        }

        try
        {
            outcome = JsonSerializer.Deserialize(json, MessageJson.Default.StageOutcome);
            return outcome is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The outcome with the longest texts that fit; null where not even the shortest do.</summary>
    private static string? TryWrite(StageOutcome outcome, int shortest, int maximumBytes)
    {
        if (Write(int.MaxValue) is var whole && Encoding.UTF8.GetByteCount(whole) <= maximumBytes)
        {
            return whole;
        }

        string? fitting = null;
        for (var (low, high) = (shortest, maximumBytes); low <= high;)
        {
            var length = low + ((high - low) / 2);
            var text = Write(length);
            if (Encoding.UTF8.GetByteCount(text) <= maximumBytes)
            {
                (fitting, low) = (text, length + 1);
            }
            else
            {
                high = length - 1;
            }
        }

        return fitting;

        string Write(int length) => JsonSerializer.Serialize(
            outcome with
            {
                Message = OutcomeText.Cut(outcome.Message, length),
                Failure = outcome.Failure is { } failure ? failure with { Message = OutcomeText.Cut(failure.Message, length) } : null,
            },
            Compact.StageOutcome);
    }

    /// <summary>
    /// A plan is whole: nothing is left to the defaults of whoever reads it. (Source-generated code would not even apply them: it sets
    /// a missing init-only member to zero or null.)
    /// </summary>
    private static void AskForEveryMember(JsonTypeInfo type)
    {
        // What is computed from other members (and left out of the JSON) cannot be set.
        foreach (var property in type.Properties.Where(property => property.Set is not null))
        {
            property.IsRequired |= property.PropertyType.IsValueType
                ? Nullable.GetUnderlyingType(property.PropertyType) is null
                : !property.IsGetNullable;
        }
    }
}

/// <summary>Reads a document's version and leaves the rest.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record VersionOnly
{
    public int? Version { get; init; }
}

/// <summary>The plan's JSON shape.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(StagePlan))]
[JsonSerializable(typeof(StageComputation))]
[JsonSerializable(typeof(VersionOnly))]
internal sealed partial class ContractJson : JsonSerializerContext;

/// <summary>The messages' JSON shape: one line each.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainerMessage))]
[JsonSerializable(typeof(ProgressReport))]
[JsonSerializable(typeof(StageOutcome))]
internal sealed partial class MessageJson : JsonSerializerContext;
