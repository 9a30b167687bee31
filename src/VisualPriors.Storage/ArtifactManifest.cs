using System.Text.Json.Serialization;
using VisualPriors.Api.Plans;

namespace VisualPriors.Storage;

/// <summary>What an artifact consists of. Written last: a folder without one is no artifact.</summary>
public sealed record ArtifactManifest
{
    /// <summary>Version of this format; a reader refuses any other.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Name of the manifest's file in the artifact's folder.</summary>
    public const string FileName = "artifact.json";

    /// <summary>Format version.</summary>
    public required int Version { get; init; }

    /// <summary>What it holds, such as <c>text-corpus</c> or <c>pretrain</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Every file, ordered by path.</summary>
    public required IReadOnlyList<ArtifactFile> Files { get; init; }

    /// <summary>Digest of the stage that made it; null for prepared data.</summary>
    public string? StageDigest { get; init; }

    /// <summary>The outcome of the stage that made it; null for prepared data.</summary>
    public StageOutcome? Outcome { get; init; }
}

/// <summary>One file of an artifact.</summary>
/// <param name="Path">Path relative to the artifact's folder, with forward slashes.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">Lower-case hexadecimal SHA-256 of the content.</param>
public sealed record ArtifactFile(string Path, long Bytes, string Sha256);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    WriteIndented = true)]
[JsonSerializable(typeof(ArtifactManifest))]
internal sealed partial class StorageJson : JsonSerializerContext;
