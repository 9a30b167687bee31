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
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainerMessage))]
internal sealed partial class MessageJson : JsonSerializerContext;
