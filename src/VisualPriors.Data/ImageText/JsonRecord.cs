using System.Globalization;
using System.Text.Json;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.ImageText;

/// <summary>A JSON object of a foreign format: says file, line and field of what is missing or of another type; fields not asked for are let be.</summary>
internal readonly struct JsonRecord
{
    private readonly string _path;
    private readonly int _line;
    private readonly string _field;
    private readonly JsonElement _element;

    public JsonRecord(string path, int line, string field, JsonElement element)
    {
        (_path, _line, _field, _element) = (path, line, field, element);
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInputException(path, field.Length == 0 ? null : field, Describe(element), "an object", line);
        }
    }

    /// <summary>A field that must be a string.</summary>
    public string String(string name) => Text(NameOf(name), Required(name, "a string"));

    /// <summary>A field that must be a string or a number, as text.</summary>
    public string Identifier(string name)
    {
        var value = Required(name, "a string or a number");
        return value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Text(NameOf(name), value);
    }

    /// <summary>A field that must be a string where it is there and not null.</summary>
    public string? OptionalString(string name) =>
        _element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? Text(NameOf(name), value) : null;

    /// <summary>A field that must be an array of strings.</summary>
    public IReadOnlyList<string> Strings(string name)
    {
        var array = Array(name);
        var strings = new string[array.GetArrayLength()];
        for (var i = 0; i < strings.Length; i++)
        {
            strings[i] = Text(ItemOf(name, i), array[i]);
        }

        return strings;
    }

    /// <summary>A field that must be an array of objects.</summary>
    public IReadOnlyList<JsonRecord> Records(string name)
    {
        var array = Array(name);
        var records = new JsonRecord[array.GetArrayLength()];
        for (var i = 0; i < records.Length; i++)
        {
            records[i] = new JsonRecord(_path, _line, ItemOf(name, i), array[i]);
        }

        return records;
    }

    /// <summary>A field that must be the path of a file inside a folder; returns the full path.</summary>
    public string PathInside(string name, string folder, string relative)
    {
        var root = Path.GetFullPath(folder) + Path.DirectorySeparatorChar;
        if (relative.Length == 0 || relative.Contains('\0', StringComparison.Ordinal) || Path.IsPathRooted(relative))
        {
            throw Error(name, $"'{relative}'", "a relative path");
        }

        var full = Path.GetFullPath(Path.Combine(root, relative));
        return full.StartsWith(root, StringComparison.Ordinal) ? full : throw Error(name, $"'{relative}'", "a path inside the data set's folder");
    }

    /// <summary>What is wrong with a field.</summary>
    public InvalidInputException Error(string? name, string found, string expected) =>
        new(_path, name is null ? null : NameOf(name), found, expected, _line);

    private JsonElement Array(string name)
    {
        var value = Required(name, "an array");
        return value.ValueKind == JsonValueKind.Array ? value : throw Error(name, Describe(value), "an array");
    }

    private JsonElement Required(string name, string expected) =>
        _element.TryGetProperty(name, out var value) ? value : throw Error(name, "nothing", expected);

    private string Text(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw new InvalidInputException(_path, field, Describe(value), "a string", _line);
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidInputException(_path, field, "text that is no Unicode", "a string", _line);
        }
    }

    private string NameOf(string name) => _field.Length == 0 ? name : $"{_field}.{name}";

    private string ItemOf(string name, int index) => $"{NameOf(name)}[{index.ToString(CultureInfo.InvariantCulture)}]";

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a truth value",
    };
}
