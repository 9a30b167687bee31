using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Json;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Validation;

namespace VisualPriors.Api.Schemas;

/// <summary>
/// Writes the structural OpenAPI schema of a C# type: names, types and required members by System.Text.Json's metadata, defaults by what its
/// initialisers set (as <see cref="ManifestBinder"/> fills them in), the rest by attributes and docstrings.
/// </summary>
internal static class SchemaGenerator
{
    /// <summary>The schema of an object.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="defaults">The value that a parent's initialiser sets; null for the type's own.</param>
    /// <param name="isSpec">It is a resource's desired state: its immutable fields get rules that say so.</param>
    public static JsonObject OfObject(JsonTypeInfo type, JsonObject? defaults = null, bool isSpec = false)
    {
        defaults ??= ManifestBinder.DefaultsOf(type);
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var property in type.Properties.Where(property => property.Set is not null))
        {
            var attributes = FieldRules.Attributes(property);
            var fallback = defaults[property.Name];
            properties[property.Name] = OfProperty(type, property, attributes, fallback, isSpec);
            if (property.IsRequired && fallback is null)
            {
                required.Add(property.Name);
            }
        }

        var schema = new JsonObject { ["description"] = Documentation.Of(type.Type), ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        AddRules(schema, type.Type.GetCustomAttributes(typeof(ValidationRuleAttribute), inherit: true).Cast<ValidationRuleAttribute>());
        return schema;
    }

    private static JsonObject OfProperty(
        JsonTypeInfo owner, JsonPropertyInfo property, IReadOnlyList<Attribute> attributes, JsonNode? fallback, bool isSpec)
    {
        var type = owner.Options.GetTypeInfo(property.PropertyType);
        var schema = OfValue(type, attributes, fallback as JsonObject);
        var alternative = attributes.OfType<AlternativeToAttribute>().FirstOrDefault();
        schema.Remove("description"); // a nested type's: what the field is for says more
        schema.Insert(0, "description", Describe(property, type, alternative is null ? null : (alternative.Property, fallback)));
        if (fallback is not null && alternative is null)
        {
            schema["default"] = type.Kind == JsonTypeInfoKind.Object ? Filled(schema) : fallback.DeepClone();
        }

        var rules = attributes.OfType<ValidationRuleAttribute>();
        if (attributes.OfType<KeysAttribute>().FirstOrDefault()?.Text is { } keys)
        {
            rules = rules.Prepend(new ValidationRuleAttribute(
                $"self.all(key, size(key) <= {keys.MaximumLength} && key.matches({Quote(keys.Pattern)}))", $"{property.Name} must have keys of this form: {keys.Expected}"));
        }

        if (isSpec && attributes.OfType<ImmutableAttribute>().Any())
        {
            rules = rules.Append(new ValidationRuleAttribute("self == oldSelf", $"{property.Name} cannot change once the resource exists: make one of another name"));
        }

        AddRules(schema, rules);
        return schema;
    }

    /// <summary>
    /// An object with nothing but defaults. Servers would fill an empty one just so, but try the rules on a default as it stands: they refuse a
    /// definition whose rules ask for fields that an empty default lacks.
    /// </summary>
    private static JsonObject Filled(JsonObject schema) => new(schema["properties"]!.AsObject()
        .Where(property => property.Value!["default"] is not null)
        .Select(property => KeyValuePair.Create(property.Key, (JsonNode?)property.Value!["default"]!.DeepClone())));

    private static JsonObject OfValue(JsonTypeInfo type, IReadOnlyList<Attribute> attributes, JsonObject? defaults)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                var nested = OfObject(type, defaults);
                if (attributes.OfType<AllowedKindsAttribute>().FirstOrDefault() is { } allowed)
                {
                    nested["properties"]!["kind"]!["enum"] = Strings(allowed.Kinds);
                }

                return nested;
            case JsonTypeInfoKind.Dictionary:
                var mapping = new JsonObject { ["type"] = "object", ["additionalProperties"] = OfScalar(type.Options.GetTypeInfo(type.ElementType!), attributes) };
                Count(mapping, attributes, "Properties");
                return mapping;
            case JsonTypeInfoKind.Enumerable:
                var list = new JsonObject { ["type"] = "array", ["items"] = OfValue(type.Options.GetTypeInfo(type.ElementType!), [], null) };
                Count(list, attributes, "Items");
                if (attributes.OfType<ListKeyAttribute>().FirstOrDefault() is { } key)
                {
                    list["x-kubernetes-list-type"] = "map";
                    list["x-kubernetes-list-map-keys"] = Strings([key.Key]);
                }

                return list;
            default:
                return OfScalar(type, attributes);
        }
    }

    private static JsonObject OfScalar(JsonTypeInfo type, IReadOnlyList<Attribute> attributes)
    {
        var target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        var schema = target switch
        {
            { IsEnum: true } => new JsonObject { ["type"] = "string", ["enum"] = Strings(ManifestBinder.NamesOf(type)) },
            _ when target == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            _ when target == typeof(int) => new JsonObject { ["type"] = "integer", ["format"] = "int32", ["maximum"] = int.MaxValue },
            _ when target == typeof(long) => new JsonObject { ["type"] = "integer", ["format"] = "int64" },
            _ when target == typeof(double) => new JsonObject { ["type"] = "number", ["format"] = "double" },
            _ when target == typeof(decimal) => new JsonObject { ["type"] = "number" },
            _ when target == typeof(string) => new JsonObject { ["type"] = "string" },
            _ when target == typeof(DateTimeOffset) => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
            _ => throw new NotSupportedException($"a field of type {target}"),
        };
        foreach (var attribute in attributes)
        {
            switch (attribute)
            {
                case MinimumAttribute bound:
                    schema["minimum"] = Number(bound.Value);
                    AddIf(bound.Exclusive, "exclusiveMinimum");
                    break;
                case MaximumAttribute bound:
                    schema["maximum"] = Number(bound.Value);
                    AddIf(bound.Exclusive, "exclusiveMaximum");
                    break;
                case TextAttribute text:
                    schema["maxLength"] = text.MaximumLength;
                    schema["pattern"] = text.Pattern;
                    break;
                case OneOfAttribute choice:
                    schema["enum"] = Strings(choice.Values);
                    break;
            }
        }

        return schema;

        void AddIf(bool isExclusive, string keyword)
        {
            if (isExclusive)
            {
                schema[keyword] = true;
            }
        }
    }

    private static void Count(JsonObject schema, IReadOnlyList<Attribute> attributes, string of)
    {
        if (attributes.OfType<ItemCountAttribute>().FirstOrDefault() is { } count)
        {
            schema[$"min{of}"] = count.Minimum;
            schema[$"max{of}"] = count.Maximum;
        }
    }

    private static void AddRules(JsonObject schema, IEnumerable<ValidationRuleAttribute> rules)
    {
        var list = schema["x-kubernetes-validations"] as JsonArray ?? [];
        foreach (var rule in rules)
        {
            list.Add(new JsonObject { ["rule"] = rule.Rule, ["message"] = rule.Message });
        }

        if (list.Count > 0)
        {
            schema["x-kubernetes-validations"] = list;
        }
    }

    private static string Describe(JsonPropertyInfo property, JsonTypeInfo type, (string Property, JsonNode? Default)? alternative)
    {
        var text = Documentation.Of((System.Reflection.MemberInfo)property.AttributeProvider!);
        var target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (target.IsEnum)
        {
            var members = ManifestBinder.NamesOf(type).Zip(Enum.GetNames(target), (name, member) => $"{name}: {Documentation.Of(target.GetField(member)!)}");
            text += " " + string.Join(" ", members);
        }

        if (alternative is (var other, { } value) && value.ToJsonString() != "0")
        {
            text += $" Default {value.ToJsonString()}, unless {JsonNamingPolicy.CamelCase.ConvertName(other)} is given.";
        }

        return text;
    }

    private static JsonArray Strings(IEnumerable<string> values) => [.. values.Select(value => JsonValue.Create(value))];

    /// <summary>Whole numbers without a decimal point.</summary>
    private static JsonValue Number(double value) => double.IsInteger(value) ? JsonValue.Create((long)value) : JsonValue.Create(value);

    private static string Quote(string pattern) => $"'{pattern.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";
}
