using System.Text.Json.Serialization;

namespace VisualPriors.Data.Drawings;

/// <summary>What <c>drawings.json</c> says.</summary>
internal sealed record DrawingIndex
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "drawings.json";

    /// <summary>Version of this format; a reader refuses any other.</summary>
    public const int CurrentVersion = 1;

    public required int Version { get; init; }

    /// <summary>The houses, each with its licence.</summary>
    public required IReadOnlyList<HouseLicence> Houses { get; init; }

    /// <summary>The things; every one has a drawing by every house.</summary>
    public required IReadOnlyList<Thing> Things { get; init; }
}

/// <summary>Where a house's drawings come from and on what terms.</summary>
/// <param name="House">Folder of the house.</param>
/// <param name="Package">npm package and version.</param>
/// <param name="Work">What the drawings are called.</param>
/// <param name="Licence">SPDX identifier.</param>
/// <param name="Source">Where the work's authors publish it.</param>
public sealed record HouseLicence(string House, string Package, string Work, string Licence, string Source);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    WriteIndented = true)]
[JsonSerializable(typeof(DrawingIndex))]
internal sealed partial class DrawingJson : JsonSerializerContext;
