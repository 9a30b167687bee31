using System.Collections;
using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Validation;

/// <summary>Holds values against the attributes of their fields: the same that the CustomResourceDefinitions are generated from.</summary>
internal static class FieldRules
{
    /// <summary>Every field of an object, and of the objects in it, that is outside what its attributes allow.</summary>
    /// <param name="type">The object's type.</param>
    /// <param name="value">The object.</param>
    /// <param name="path">Its path, such as <c>spec</c>.</param>
    public static IEnumerable<FieldViolation> Check(JsonTypeInfo type, object value, string path)
    {
        foreach (var property in type.Properties.Where(property => property.Get is not null))
        {
            if (property.Get!(value) is not { } held)
            {
                continue;
            }

            var field = $"{path}.{property.Name}";
            var nested = type.Options.GetTypeInfo(property.PropertyType);
            foreach (var violation in CheckField(Attributes(property), nested, held, field).Concat(CheckInside(nested, held, field)))
            {
                yield return violation;
            }
        }
    }

    /// <summary>The attributes of a field.</summary>
    public static IReadOnlyList<Attribute> Attributes(JsonPropertyInfo property) =>
        [.. property.AttributeProvider?.GetCustomAttributes(inherit: true).OfType<Attribute>() ?? []];

    private static IEnumerable<FieldViolation> CheckField(IReadOnlyList<Attribute> attributes, JsonTypeInfo type, object held, string field)
    {
        if (attributes.OfType<ItemCountAttribute>().FirstOrDefault() is { } count && Refuse(count, Count(held)) is { } expected)
        {
            yield return new(field, Count(held) == 0 ? $"no {count.Item}" : $"{Count(held)}", expected);
        }

        foreach (var (itemField, item) in type.Kind == JsonTypeInfoKind.Dictionary ? Entries(held, field) : [(field, held)])
        {
            if (attributes.Select(attribute => Refuse(attribute, attributes, item)).FirstOrDefault(message => message is not null) is { } message)
            {
                yield return new(itemField, Found(item), message);
            }
        }

        if (attributes.OfType<KeysAttribute>().FirstOrDefault() is { } keys)
        {
            foreach (var (keyField, _) in Entries(held, field).Where(entry => !keys.Text.Accepts(entry.Field[(field.Length + 1)..])))
            {
                yield return new(keyField, $"the name '{keyField[(field.Length + 1)..]}'", Describe(keys.Text));
            }
        }
    }

    private static IEnumerable<FieldViolation> CheckInside(JsonTypeInfo type, object held, string field) => type.Kind switch
    {
        JsonTypeInfoKind.Object => Check(type, held, field),
        JsonTypeInfoKind.Enumerable => ((IEnumerable)held).Cast<object>()
            .SelectMany((item, i) => CheckInside(type.Options.GetTypeInfo(type.ElementType!), item, $"{field}[{i}]")),
        _ => [],
    };

    /// <summary>What an attribute asks for instead of a value; null where it has nothing against it.</summary>
    private static string? Refuse(Attribute attribute, IReadOnlyList<Attribute> all, object value) => attribute switch
    {
        MinimumAttribute bound when Number(value) < bound.Value || (bound.Exclusive && Number(value) == bound.Value) => Range(all),
        MaximumAttribute bound when Number(value) > bound.Value || (bound.Exclusive && Number(value) == bound.Value) => Range(all),
        TextAttribute text when !text.Accepts((string)value) => Describe(text),
        OneOfAttribute choice when !choice.Values.Contains((string)value) => Suggestion.OneOf((string)value, choice.Values),
        _ => null,
    };

    private static string? Refuse(ItemCountAttribute count, int items) =>
        items < count.Minimum ? $"at least {(count.Minimum == 1 ? "one" : count.Minimum)} {count.Item}"
        : items > count.Maximum ? $"at most {count.Maximum}"
        : null;

    private static string Range(IReadOnlyList<Attribute> all) =>
        (all.OfType<MinimumAttribute>().FirstOrDefault(), all.OfType<MaximumAttribute>().FirstOrDefault()) switch
        {
            ({ } low, { } high) => $"a number from {Text(low.Value)} to {(high.Exclusive ? "below " : "")}{Text(high.Value)}",
            ({ Exclusive: true } low, null) => $"a number above {Text(low.Value)}",
            ({ } low, null) => $"at least {Text(low.Value)}",
            (_, var high) => $"at most {Text(high!.Value)}",
        };

    private static string Describe(TextAttribute text) => $"{text.Expected}, of at most {text.MaximumLength} characters";

    private static IEnumerable<(string Field, object Value)> Entries(object dictionary, string field)
    {
        // (A read-only dictionary has no interface for its entries that does not name their type.)
        foreach (var entry in (IEnumerable)dictionary)
        {
            switch (entry)
            {
                case KeyValuePair<string, string> text:
                    yield return ($"{field}.{text.Key}", text.Value);
                    break;
                case KeyValuePair<string, decimal> number:
                    yield return ($"{field}.{number.Key}", number.Value);
                    break;
                default:
                    throw new NotSupportedException($"entries of type {entry.GetType()}");
            }
        }
    }

    private static int Count(object collection) => ((IEnumerable)collection).Cast<object>().Count();

    private static double Number(object value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private static string Found(object value) =>
        value is string text ? $"'{(text.Length <= 80 ? text : text[..77] + "...")}'" : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
