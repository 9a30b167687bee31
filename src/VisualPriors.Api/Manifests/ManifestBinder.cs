using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Json;

namespace VisualPriors.Api.Manifests;

/// <summary>
/// Turns one document (YAML, or JSON from an API server) into the JSON of a resource, defaults filled in, by System.Text.Json's own metadata of the resource's type.
/// Errors are collected, not thrown: a document is walked to its end.
/// </summary>
/// <remarks>
/// A type's defaults are what its initialisers set. Where a parent's initialiser sets a whole nested value (an AlignRun's optimizer is
/// not a PretrainRun's), a document that gives a part of that value keeps the parent's choice for the rest.
/// </remarks>
internal sealed partial class ManifestBinder(string file, List<InputError> errors)
{
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    /// <summary>Line of every field given, by path.</summary>
    public IReadOnlyDictionary<string, int> Lines => _lines;

    /// <summary>Binds a mapping; <paramref name="skip"/> names fields that were read elsewhere.</summary>
    /// <param name="type">What to bind to.</param>
    /// <param name="mapping">What was given.</param>
    /// <param name="path">Path of the mapping, empty at the top.</param>
    /// <param name="inherited">The value a parent's initialiser sets, when there is one.</param>
    /// <param name="skip">Fields to leave alone.</param>
    public JsonObject BindObject(JsonTypeInfo type, YamlMapping mapping, string path, JsonObject? inherited = null, params ReadOnlySpan<string> skip)
    {
        var ownDefaults = DefaultsOf(type);
        var defaults = inherited ?? ownDefaults;
        var properties = type.Properties.Where(property => property.Set is not null).ToDictionary(property => property.Name, StringComparer.Ordinal);
        var given = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in mapping.Entries)
        {
            var fieldPath = Join(path, key.Value);
            if (!properties.ContainsKey(key.Value) && !skip.Contains(key.Value))
            {
                Add(fieldPath, $"the unknown field '{Shorten(key.Value)}'", Suggestion.OneOf(key.Value, properties.Keys), key.Line);
            }
            else if (!given.TryAdd(key.Value, value))
            {
                Add(fieldPath, "the field a second time", "every field once", key.Line);
            }
            else
            {
                _lines[fieldPath] = key.Line;
            }
        }

        var bound = new JsonObject();
        foreach (var property in properties.Values)
        {
            var fieldPath = Join(path, property.Name);
            var fallback = IsReplaced(property, properties.Values, given) ? ownDefaults[property.Name] : defaults[property.Name];
            if (given.TryGetValue(property.Name, out var node) && !IsNull(node))
            {
                bound[property.Name] = Bind(TypeOf(type, property), node, fieldPath, fallback);
            }
            else if (fallback is not null)
            {
                bound[property.Name] = fallback.DeepClone();
            }
            else if (property.IsRequired)
            {
                Add(fieldPath, "nothing", Describe(TypeOf(type, property)), node?.Line ?? _lines.GetValueOrDefault(path, mapping.Line));
            }
        }

        return bound;
    }

    /// <summary>What a document that gives nothing gets: the initialisers' values, without what must be given.</summary>
    internal static JsonObject DefaultsOf(JsonTypeInfo type)
    {
        // Activator runs the initialisers and does not ask for required members, which are null or zero here and dropped.
        var defaults = JsonSerializer.SerializeToNode(Activator.CreateInstance(type.Type)!, type)!.AsObject();
        foreach (var property in type.Properties.Where(property => property.IsRequired))
        {
            defaults.Remove(property.Name);
        }

        return defaults;
    }

    private static bool IsReplaced(JsonPropertyInfo property, IEnumerable<JsonPropertyInfo> siblings, Dictionary<string, YamlNode> given) =>
        !given.ContainsKey(property.Name)
        && siblings.Any(sibling =>
            given.TryGetValue(sibling.Name, out var node) && !IsNull(node)
            && sibling.AttributeProvider?.GetCustomAttributes(typeof(AlternativeToAttribute), inherit: false) is [AlternativeToAttribute alternative]
            && JsonNamingPolicy.CamelCase.ConvertName(alternative.Property) == property.Name);

    private JsonNode? Bind(JsonTypeInfo type, YamlNode node, string path, JsonNode? inherited)
    {
        switch (type.Kind, node)
        {
            case (JsonTypeInfoKind.Object, YamlMapping mapping):
                return BindObject(type, mapping, path, inherited as JsonObject);
            case (JsonTypeInfoKind.Dictionary, YamlMapping mapping):
                return BindDictionary(type, mapping, path);
            case (JsonTypeInfoKind.Enumerable, YamlSequence sequence):
                return BindList(type, sequence, path);
            case (JsonTypeInfoKind.None, YamlScalar scalar):
                return BindScalar(type, scalar, path);
            default:
                Add(path, Describe(node), Describe(type), node.Line);
                return null;
        }
    }

    private JsonObject BindDictionary(JsonTypeInfo type, YamlMapping mapping, string path)
    {
        var element = type.Options.GetTypeInfo(type.ElementType!);
        var bound = new JsonObject();
        foreach (var (key, value) in mapping.Entries)
        {
            var fieldPath = Join(path, key.Value);
            _lines[fieldPath] = key.Line;
            if (bound.ContainsKey(key.Value))
            {
                Add(fieldPath, "the field a second time", "every field once", key.Line);
            }
            else if (Bind(element, value, fieldPath, inherited: null) is { } item)
            {
                bound.Add(key.Value, item);
            }
        }

        return bound;
    }

    private JsonArray BindList(JsonTypeInfo type, YamlSequence sequence, string path)
    {
        var element = type.Options.GetTypeInfo(type.ElementType!);
        var bound = new JsonArray();
        for (var i = 0; i < sequence.Items.Count; i++)
        {
            var itemPath = $"{path}[{i}]";
            _lines[itemPath] = sequence.Items[i].Line;
            if (Bind(element, sequence.Items[i], itemPath, inherited: null) is { } item)
            {
                bound.Add(item);
            }
        }

        return bound;
    }

    private JsonValue? BindScalar(JsonTypeInfo type, YamlScalar scalar, string path)
    {
        var target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        JsonValue? value = null;
        if (target == typeof(string))
        {
            value = scalar.IsPlain && LooksLikeOtherThanText(scalar.Value) ? null : JsonValue.Create(scalar.Value);
        }
        else if (target.IsEnum)
        {
            value = NamesOf(type).Contains(scalar.Value) ? JsonValue.Create(scalar.Value) : null;
        }
        else if (scalar.IsPlain)
        {
            value = ParsePlain(target, scalar.Value);
        }

        if (value is null)
        {
            Add(path, Describe(scalar), Describe(type, scalar.Value), scalar.Line);
        }

        return value;
    }

    private static JsonValue? ParsePlain(Type target, string text)
    {
        var culture = CultureInfo.InvariantCulture;
        var digits = NumberPattern().IsMatch(text) ? text.Replace("_", "", StringComparison.Ordinal) : "";
        return Type.GetTypeCode(target) switch
        {
            TypeCode.Boolean => text switch { "true" => JsonValue.Create(true), "false" => JsonValue.Create(false), _ => null },
            TypeCode.Int32 => int.TryParse(digits, NumberStyles.AllowLeadingSign, culture, out var i) ? JsonValue.Create(i) : null,
            TypeCode.Int64 => long.TryParse(digits, NumberStyles.AllowLeadingSign, culture, out var l) ? JsonValue.Create(l) : null,
            TypeCode.Double => double.TryParse(digits, NumberStyles.Float, culture, out var d) && double.IsFinite(d) ? JsonValue.Create(d) : null,
            TypeCode.Decimal => decimal.TryParse(digits, NumberStyles.Float, culture, out var m) ? JsonValue.Create(m) : null,
            _ => throw new NotSupportedException($"a manifest field of type {target}"),
        };
    }

    private static bool LooksLikeOtherThanText(string text) => text is "true" or "false" || NumberPattern().IsMatch(text);

    private static bool IsNull(YamlNode node) => node is YamlScalar { IsPlain: true, Value: "" or "~" or "null" };

    private static JsonTypeInfo TypeOf(JsonTypeInfo owner, JsonPropertyInfo property) => owner.Options.GetTypeInfo(property.PropertyType);

    internal static List<string> NamesOf(JsonTypeInfo type) =>
        [.. Enum.GetValues(Nullable.GetUnderlyingType(type.Type) ?? type.Type).Cast<object>()
            .Select(member => JsonSerializer.SerializeToNode(member, type)!.GetValue<string>())];

    private static string Describe(YamlNode node) => node switch
    {
        YamlMapping => "a mapping",
        YamlSequence => "a list",
        YamlScalar { IsPlain: true, Value: "" } => "nothing",
        YamlScalar { IsPlain: true } scalar => Shorten(scalar.Value),
        YamlScalar scalar => $"the text \"{Shorten(scalar.Value)}\"",
        _ => node.ToString(),
    };

    private static string Describe(JsonTypeInfo type, string given = "")
    {
        var target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return type.Kind switch
        {
            JsonTypeInfoKind.Object => "a mapping with " + string.Join(", ", type.Properties.Where(p => p.Set is not null).Select(p => p.Name)),
            JsonTypeInfoKind.Dictionary => "a mapping",
            JsonTypeInfoKind.Enumerable => "a list",
            _ when target.IsEnum => Suggestion.OneOf(given, NamesOf(type)),
            _ when target == typeof(string) => given.Length > 0 ? $"text (quote it: \"{Shorten(given)}\")" : "text",
            _ when target == typeof(bool) => "true or false",
            _ when target == typeof(int) => $"a whole number of at most {int.MaxValue}",
            _ when target == typeof(long) => $"a whole number of at most {long.MaxValue}",
            _ => "a number",
        };
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    // What comes from an API server has no lines: 0.
    private void Add(string path, string found, string expected, int line) =>
        errors.Add(new InputError(file, path, found, expected, line > 0 ? line : null));

    // No leading zeros: YAML 1.1 reads them as octal, 1.2 as decimal. Underscores group digits, as in C#.
    [GeneratedRegex(@"\A[-+]?(0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\z")]
    private static partial Regex NumberPattern();
}
