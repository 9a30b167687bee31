using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using VisualPriors.Api.Errors;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>Manifests and fences as JSON, read strictly: what a checkpoint is must not be guessed.</summary>
internal static partial class CheckpointJson
{
    /// <summary>Largest manifest read: hashes of some four terabytes.</summary>
    public const int MaximumManifestBytes = 32 << 20;

    /// <summary>A manifest as JSON.</summary>
    public static byte[] Write(CheckpointManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, CheckpointJsonContext.Default.CheckpointManifest);

    /// <summary>A fence as JSON.</summary>
    public static byte[] Write(CheckpointFence fence) => JsonSerializer.SerializeToUtf8Bytes(fence, CheckpointJsonContext.Default.CheckpointFence);

    /// <summary>Reads a manifest.</summary>
    /// <param name="bytes">Its JSON.</param>
    /// <param name="source">Where it lies, for errors.</param>
    /// <param name="stageDigest">The stage whose it must be.</param>
    /// <param name="folder">The checkpoint whose it must be.</param>
    /// <exception cref="InvalidInputException">It is of another version, stage or checkpoint, or malformed.</exception>
    public static CheckpointManifest ReadManifest(byte[] bytes, string source, string stageDigest, CheckpointFolder folder)
    {
        var manifest = Read(bytes, source, CheckpointManifest.CurrentVersion, CheckpointJsonContext.Default.CheckpointManifest, "a checkpoint manifest");
        Expect(source, "stageDigest", manifest.StageDigest, stageDigest);
        Expect(source, "attempt", $"{manifest.Attempt}", $"{folder.Attempt}");
        Expect(source, "position.step", $"{manifest.Position.Step}", $"{folder.Step}");
        var p = manifest.Position;
        if (p.Batch < 0 || p.Tokens < 0 || p.SkippedSteps < 0 || p.Rollbacks < 0)
        {
            throw new InvalidInputException(source, "position", "a negative number", "numbers of at least 0");
        }

        CheckParts(manifest.Parts, source);
        return manifest;
    }

    /// <summary>Checks what parts say of themselves.</summary>
    /// <exception cref="InvalidInputException">A name is none, or is there twice, or sizes and hashes do not fit each other.</exception>
    public static void CheckParts(IReadOnlyList<CheckpointPart> parts, string source)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < parts.Count; i++)
        {
            var (field, part) = ($"parts[{i}]", parts[i]);
            if (part?.Name is null || !CheckpointFolder.IsPartName(part.Name) || !seen.Add(part.Name))
            {
                throw new InvalidInputException(source, $"{field}.name", $"'{part?.Name}'", "a name of one segment, each once");
            }

            if (part.Bytes < 0 || part.ChunkSha256 is null || part.ChunkSha256.Count != ChunkCount(part.Bytes))
            {
                throw new InvalidInputException(
                    source, $"{field} ({part.Name})", $"{part.ChunkSha256?.Count} hashes for {part.Bytes} bytes", $"one hash for every {CheckpointPart.ChunkBytes} bytes");
            }

            if (part.ChunkSha256.FirstOrDefault(hash => hash is null || !Sha256().IsMatch(hash)) is { } wrong)
            {
                throw new InvalidInputException(source, $"{field}.chunkSha256", $"'{wrong}'", "64 lower-case hexadecimal digits");
            }
        }

        if (parts.Count == 0)
        {
            throw new InvalidInputException(source, "parts", "none", "at least one");
        }
    }

    /// <summary>Chunks that a size is hashed in.</summary>
    public static long ChunkCount(long bytes) => (bytes / CheckpointPart.ChunkBytes) + (bytes % CheckpointPart.ChunkBytes > 0 ? 1 : 0);

    /// <summary>Reads a fence.</summary>
    /// <exception cref="InvalidInputException">It is of another version or stage, or malformed.</exception>
    public static CheckpointFence ReadFence(byte[] bytes, string source, string stageDigest)
    {
        var fence = Read(bytes, source, CheckpointFence.CurrentVersion, CheckpointJsonContext.Default.CheckpointFence, "a checkpoint fence");
        Expect(source, "stageDigest", fence.StageDigest, stageDigest);
        return fence.Attempt >= 0 ? fence : throw new InvalidInputException(source, "attempt", $"{fence.Attempt}", "at least 0");
    }

    private static T Read<T>(byte[] bytes, string source, int expectedVersion, JsonTypeInfo<T> type, string what)
        where T : class
    {
        try
        {
            // The version comes first: another version's members would only make for a misleading error.
            var version = JsonSerializer.Deserialize(bytes, CheckpointJsonContext.Default.CheckpointVersion)?.Version;
            return version != expectedVersion
                ? throw new InvalidInputException(source, "version", version?.ToString() ?? "nothing", $"{expectedVersion}")
                : JsonSerializer.Deserialize(bytes, type)!;
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(source, e.Path, e.Message, what, (int?)(e.LineNumber + 1));
        }
    }

    private static void Expect(string source, string field, string found, string expected)
    {
        if (found != expected)
        {
            throw new InvalidInputException(source, field, found, expected);
        }
    }

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex Sha256();
}

/// <summary>Reads a document's version and leaves the rest.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record CheckpointVersion
{
    public int? Version { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(CheckpointFence))]
[JsonSerializable(typeof(CheckpointVersion))]
internal sealed partial class CheckpointJsonContext : JsonSerializerContext;
