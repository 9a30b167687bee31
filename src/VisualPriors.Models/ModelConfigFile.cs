using System.Text.Json;
using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;

namespace VisualPriors.Models;

/// <summary>A model folder's <c>config.json</c> while it is read: every complaint names the file and the field.</summary>
internal sealed class ModelConfigFile
{
    /// <summary>Name of the file in a model's folder.</summary>
    public const string FileName = "config.json";

    private const long MaximumLength = 1 << 20;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly string _path;
    private readonly JsonObject _root;

    private ModelConfigFile(string path, JsonObject root)
    {
        _path = path;
        _root = root;
    }

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="InvalidInputException">It is missing, too long or not a JSON object.</exception>
    public static ModelConfigFile Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            var length = new FileInfo(path).Length;
            if (length <= MaximumLength && JsonNode.Parse(File.ReadAllText(path)) is JsonObject root)
            {
                return new ModelConfigFile(path, root);
            }

            throw new InvalidInputException(path, null, $"{length} bytes", $"a JSON object of at most {MaximumLength} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, "no readable file", "a model's configuration");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, null, $"malformed JSON ({e.Message})", "a model's configuration", (int?)e.LineNumber + 1);
        }
    }

    /// <summary>Writes a folder's configuration.</summary>
    public static void Write(string directory, JsonObject root) =>
        File.WriteAllText(Path.Combine(directory, FileName), root.ToJsonString(Indented) + "\n");

    /// <summary>A whole number of at least 1.</summary>
    public int Positive(string field, int? fallback = null) =>
        (Find(field) as JsonValue)?.TryGetValue<int>(out var value) == true && value > 0 ? value
        : Find(field) is null && fallback is { } number ? number
        : throw Wrong(field, "a whole number of at least 1");

    /// <summary>A number above zero.</summary>
    public double PositiveNumber(string field, double? fallback = null) =>
        (Find(field) as JsonValue)?.TryGetValue<double>(out var value) == true && value > 0 && double.IsFinite(value) ? value
        : Find(field) is null && fallback is { } number ? number
        : throw Wrong(field, "a number above zero");

    /// <summary>A truth value, false when absent.</summary>
    public bool Flag(string field) =>
        (Find(field) as JsonValue)?.TryGetValue<bool>(out var value) == true ? value
        : Find(field) is null ? false
        : throw Wrong(field, "true or false");

    /// <summary>Complains unless a field is absent, null or of one value.</summary>
    public void Expect(string field, string expected)
    {
        if (Find(field) is { } node && node.ToString() != expected)
        {
            throw Wrong(field, expected);
        }
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string field) => Find(field) is not null;

    /// <summary>A complaint about a field.</summary>
    public InvalidInputException Wrong(string field, string expected) =>
        new(_path, field, Find(field)?.ToJsonString() ?? "nothing", expected);

    /// <summary>Finds a field by its path, steps separated by dots.</summary>
    private JsonNode? Find(string field)
    {
        JsonNode? node = _root;
        foreach (var step in field.Split('.'))
        {
            node = (node as JsonObject)?[step];
        }

        return node;
    }
}
