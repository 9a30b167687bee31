using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using VisualPriors.Api.Errors;

namespace VisualPriors.Torch;

/// <summary>
/// How Hugging Face cuts a model's weights into files: one <c>model.safetensors</c>, or <c>model-00001-of-0000N.safetensors</c> and
/// <c>model.safetensors.index.json</c>, which says what lies where.
/// </summary>
public static partial class SafetensorsIndex
{
    /// <summary>Name of the weights where they are one file.</summary>
    public const string SingleFileName = "model.safetensors";

    /// <summary>Name of the index where they are several.</summary>
    public const string FileName = "model.safetensors.index.json";

    /// <summary>Largest index read, as the largest header.</summary>
    public const int MaximumBytes = (int)SafetensorsFormat.MaximumHeaderLength;

    /// <summary>Most files of one model: each is held open while it is read.</summary>
    private const int MaximumFiles = 500;

    /// <summary>Whether a name is one of those that weights may have.</summary>
    public static bool IsFileName(string name) => ShardName().IsMatch(name);

    /// <summary>Cuts tensors into files of at most so many bytes (but at least one tensor), in their order.</summary>
    public static IReadOnlyList<(string FileName, IReadOnlyList<T> Tensors)> Cut<T>(IEnumerable<T> tensors, Func<T, long> bytesOf, long maximumBytes)
    {
        var files = new List<List<T>>();
        long bytes = 0;
        foreach (var tensor in tensors)
        {
            var length = bytesOf(tensor);
            if (files.Count == 0 || (bytes > 0 && bytes + length > maximumBytes))
            {
                files.Add([]);
                bytes = 0;
            }

            files[^1].Add(tensor);
            bytes += length;
        }

        return [.. files.Select((file, i) => (
            files.Count == 1 ? SingleFileName : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{files.Count:D5}.safetensors"),
            (IReadOnlyList<T>)file))];
    }

    /// <summary>Makes an index.</summary>
    /// <param name="fileOf">The file of every tensor.</param>
    /// <param name="totalBytes">Bytes of all tensors.</param>
    public static byte[] Build(IEnumerable<KeyValuePair<string, string>> fileOf, long totalBytes)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", totalBytes);
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach (var (tensor, file) in fileOf.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                json.WriteString(tensor, file);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads an index: the file of every tensor.</summary>
    /// <exception cref="InvalidInputException">It is malformed, names a tensor twice, or a file that could lie elsewhere.</exception>
    public static IReadOnlyDictionary<string, string> Parse(ReadOnlyMemory<byte> json, string source)
    {
        var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            foreach (var property in document.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                var file = property.Value.GetString() ?? "";
                fileOf.Add(property.Name, IsFileName(file)
                    ? file
                    : throw new InvalidInputException(source, $"weight_map.{property.Name}", $"'{file}'", "the name of a safetensors file beside the index"));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidInputException(source, null, $"malformed JSON ({e.Message})", "an index: an object with a weight_map of tensors to files");
        }

        var files = fileOf.Values.Distinct().Count();
        return files is > 0 and <= MaximumFiles
            ? fileOf
            : throw new InvalidInputException(source, "weight_map", $"{files} files", $"1 to {MaximumFiles}");
    }

    /// <summary>Checks that a file holds just the tensors that the index says.</summary>
    /// <exception cref="InvalidInputException">One is missing, or is there that the index knows elsewhere or not at all.</exception>
    public static void Check(IReadOnlyDictionary<string, string> fileOf, string fileName, IReadOnlyCollection<string> names, string source)
    {
        if (names.FirstOrDefault(name => fileOf.GetValueOrDefault(name) != fileName) is { } surplus)
        {
            throw new InvalidInputException(
                source, surplus, "a tensor", $"none of this name: the index has it {(fileOf.TryGetValue(surplus, out var other) ? $"in {other}" : "nowhere")}");
        }

        var there = names.ToHashSet(StringComparer.Ordinal);
        if (fileOf.FirstOrDefault(pair => pair.Value == fileName && !there.Contains(pair.Key)).Key is { } missing)
        {
            throw new InvalidInputException(source, missing, "nothing", "a tensor of this name, as the index says");
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,180}\.safetensors\z")]
    private static partial Regex ShardName();
}
