using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Drawings;

/// <summary>Reads what the npm packages say about their drawings. Fields we do not use are passed over: the formats are not ours.</summary>
internal static class EmojiData
{
    /// <summary>A thing that all houses have drawn, and where.</summary>
    internal sealed record Entry(Thing Thing, string TwitterImage, string GoogleImage, string OpenMojiImage);

    /// <summary>Every thing of the vocabulary that all three packages draw, ordered by id.</summary>
    public static IReadOnlyList<Entry> Read(DrawingPackages packages)
    {
        var emojiPath = Path.Combine(packages.Twitter, "emoji.json");
        var emoji = Parse(emojiPath, EmojiJson.Default.EmojiEntryArray);
        var openMojiPath = Path.Combine(packages.OpenMoji, "data", "openmoji.json");
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in Parse(openMojiPath, EmojiJson.Default.OpenMojiEntryArray))
        {
            annotations.TryAdd(entry.Hexcode, entry.Annotation);
        }

        var entries = new List<Entry>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in emoji)
        {
            if (!Vocabulary.Takes(entry.Category, entry.Name, entry.ShortName) || !entry.HasImgTwitter)
            {
                continue;
            }

            var (unified, code) = (entry.Unified, FindOpenMoji(packages.OpenMoji, entry));
            var twitter = Path.Combine(packages.Twitter, "img", "twitter", "64", PlainFileName(emojiPath, entry.Image));
            var google = Path.Combine(packages.Google, "img", "google", "64", PlainFileName(emojiPath, entry.Image));
            if (code is null || !annotations.TryGetValue(code, out var annotation) || !File.Exists(twitter) || !File.Exists(google))
            {
                continue;
            }

            var name = Vocabulary.NameOf(entry.ShortName, annotation)
                ?? throw new InvalidInputException(openMojiPath, $"annotation of {code}", $"'{annotation}'", "a name in ASCII letters");
            if (!names.TryAdd(name, unified))
            {
                throw new InvalidInputException(emojiPath, unified, $"'{name}', which {names[name]} is called too", "a name of its own");
            }

            var thing = new Thing(unified.ToLowerInvariant(), name, entry.Category, Vocabulary.SubcategoryOf(entry.ShortName, entry.Subcategory));
            entries.Add(new Entry(thing, twitter, google, SvgPath(packages.OpenMoji, code)));
        }

        entries.Sort((a, b) => string.CompareOrdinal(a.Thing.Id, b.Thing.Id));
        return entries;
    }

    /// <summary>Name and version of an unpacked npm package, as <c>name@version</c>.</summary>
    public static string PackageName(string directory)
    {
        var package = Parse(Path.Combine(directory, "package.json"), EmojiJson.Default.NpmPackage);
        return $"{package.Name}@{package.Version}";
    }

    /// <summary>OpenMoji leaves the emoji variation selector out of some codes.</summary>
    private static string? FindOpenMoji(string package, EmojiEntry entry) =>
        new[] { entry.Unified, entry.NonQualified, entry.Unified.Replace("-FE0F", "", StringComparison.Ordinal) }
            .FirstOrDefault(code => code is not null && code.All(c => char.IsAsciiHexDigit(c) || c == '-') && File.Exists(SvgPath(package, code)));

    private static string SvgPath(string package, string code) => Path.Combine(package, "color", "svg", code + ".svg");

    private static string PlainFileName(string path, string name) =>
        name == Path.GetFileName(name) && name.EndsWith(".png", StringComparison.Ordinal)
            ? name
            : throw new InvalidInputException(path, "image", $"'{name}'", "the name of a PNG file");

    private static T Parse<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type)
                ?? throw new InvalidInputException(path, null, "null", typeof(T).Name);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "the package's own format", (int?)(e.LineNumber + 1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e.Message, "a file of an unpacked npm package");
        }
    }
}

internal sealed record EmojiEntry
{
    public required string Name { get; init; }

    public required string Unified { get; init; }

    public string? NonQualified { get; init; }

    public required string Image { get; init; }

    public required string ShortName { get; init; }

    public required string Category { get; init; }

    public required string Subcategory { get; init; }

    public required bool HasImgTwitter { get; init; }
}

internal sealed record OpenMojiEntry
{
    public required string Hexcode { get; init; }

    public required string Annotation { get; init; }
}

internal sealed record NpmPackage
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("version")]
    public required string Version { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(EmojiEntry[]))]
[JsonSerializable(typeof(OpenMojiEntry[]))]
[JsonSerializable(typeof(NpmPackage))]
internal sealed partial class EmojiJson : JsonSerializerContext;
