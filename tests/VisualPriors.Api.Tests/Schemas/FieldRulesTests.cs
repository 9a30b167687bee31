using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>What the schema bounds, the reader bounds.</summary>
public sealed class FieldRulesTests
{
    /// <summary>Every bounded field of every kind's spec, with a value just outside (as JSON).</summary>
    public static TheoryData<string, string, string> JustOutside
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (var (kind, path, schema) in Bounded())
            {
                foreach (var value in Outside(schema))
                {
                    data.Add(kind, path, value);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(JustOutside))]
    public void A_value_just_outside_its_bounds_is_refused_naming_the_field(string kind, string path, string value)
    {
        var fields = Errors(kind, Examples.With(kind, path, value)).Select(error => error.Field).ToList();

        Assert.Contains(path.Replace("'", "", StringComparison.Ordinal), fields);
    }

    [Fact]
    public void A_value_at_its_inclusive_bounds_is_inside()
    {
        foreach (var (kind, path, schema) in Bounded().Where(field => field.Schema["type"]!.GetValue<string>() is "integer" or "number"))
        {
            foreach (var (bound, exclusive) in new[] { ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum") })
            {
                if (schema[bound] is { } value && schema[exclusive] is null)
                {
                    var errors = Errors(kind, Examples.With(kind, path, value.ToJsonString())).Where(error => error.Field == path);

                    // (A rule over several fields may well have something against it.)
                    Assert.DoesNotContain(errors, error => error.Expected.StartsWith("a number", StringComparison.Ordinal) || error.Expected.StartsWith("at ", StringComparison.Ordinal));
                }
            }
        }
    }

    [Fact]
    public void Every_number_but_a_seed_is_bounded_below()
    {
        var unbounded = CustomResource.All
            .SelectMany(resource => SchemaTree.Fields(SchemaTree.Of(resource.Kind)["properties"]!["spec"]!.AsObject()))
            .Where(field => field.Schema["type"]!.GetValue<string>() is "integer" or "number" && field.Schema["minimum"] is null)
            .Select(field => field.Path.Split('.')[^1]);

        Assert.Equal(["maximum", "minimum", "seed", "tolerationSeconds"], unbounded.Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>What a rule over all items costs an API server is estimated by their greatest number and length.</summary>
    [Fact]
    public void Every_text_list_and_mapping_is_bounded_above()
    {
        var unbounded = CustomResource.All
            .SelectMany(resource => SchemaTree.Fields(SchemaTree.Of(resource.Kind)["properties"]!["spec"]!.AsObject(), resource.Kind))
            .Where(field => field.Schema switch
            {
                _ when field.Schema["type"]!.GetValue<string>() == "array" => field.Schema["maxItems"] is null,
                _ when field.Schema["additionalProperties"] is not null => field.Schema["maxProperties"] is null,
                _ when field.Schema["type"]!.GetValue<string>() == "string" => field.Schema["maxLength"] is null && field.Schema["enum"] is null,
                _ => false,
            });

        Assert.Empty(unbounded.Select(field => field.Path));
    }

    [Fact]
    public void The_presets_to_choose_from_are_those_there_are() =>
        Assert.Equal(DecoderPresets.All.Keys, SchemaTree.Of("PretrainRun")["properties"]!["spec"]!["properties"]!["model"]!["properties"]!["preset"]!["enum"]!
            .AsArray().Select(name => name!.GetValue<string>()));

    private static IEnumerable<(string Kind, string Path, JsonObject Schema)> Bounded() =>
        from resource in CustomResource.All
        from field in SchemaTree.Fields(SchemaTree.Of(resource.Kind)["properties"]!["spec"]!.AsObject(), "spec")
            // A stage's spec is of the same types as a run's.
        where !field.Path.StartsWith("spec.stages[].", StringComparison.Ordinal) || field.Path.Split('.') is [_, _, not ("pretrain" or "align" or "sft" or "eval")] or [_, _, "gates[]", _]
        where Outside(field.Schema).Any()
        select (resource.Kind, InExample(field.Path), field.Schema);

    /// <summary>A field's path in the example of its kind.</summary>
    private static string InExample(string path) => path
        .Replace("tolerations[]", "tolerations[1]", StringComparison.Ordinal)
        .Replace("stages[]", "stages[4]", StringComparison.Ordinal)
        .Replace("[]", "[0]", StringComparison.Ordinal)
        .Replace("labels.*", "labels.'example.com/team'", StringComparison.Ordinal)
        .Replace("nodeSelector.*", "nodeSelector.'visualpriors.dev/test-node'", StringComparison.Ordinal)
        .Replace("environment.*", "environment.NCCL_DEBUG", StringComparison.Ordinal)
        .Replace("annotations.*", "annotations.note", StringComparison.Ordinal)
        .Replace("mixture.*", "mixture.code", StringComparison.Ordinal);

    private static IEnumerable<string> Outside(JsonObject schema)
    {
        var isWhole = schema["type"]!.GetValue<string>() == "integer";
        if (Bound(schema, "minimum") is { } minimum)
        {
            yield return Text(schema["exclusiveMinimum"] is not null ? minimum : isWhole ? minimum - 1 : minimum - 1e-9);
        }

        if (Bound(schema, "maximum") is { } maximum)
        {
            yield return Text(schema["exclusiveMaximum"] is not null ? maximum : isWhole ? maximum + 1 : maximum + 1e-6);
        }

        if (schema["enum"] is not null)
        {
            yield return "\"none of these\"";
        }

        if (schema["maxLength"]?.GetValue<int>() is { } length)
        {
            yield return $"\"{new string('a', length + 1)}\"";
        }

        if (schema["pattern"]?.GetValue<string>() is { } pattern && !pattern.Contains(@"[\s\S]", StringComparison.Ordinal))
        {
            yield return "\"a b\"";
            yield return "\"a\\n\"";
        }

        if (schema["minItems"]?.GetValue<int>() is > 0)
        {
            yield return "[]";
        }

        if (schema["minProperties"]?.GetValue<int>() is > 0)
        {
            yield return "{}";
        }

        if (schema["maxProperties"]?.GetValue<int>() is { } properties)
        {
            var value = schema["additionalProperties"]!["type"]!.GetValue<string>() == "number" ? JsonValue.Create(1) : JsonValue.Create("a");
            yield return new JsonObject(Enumerable.Range(0, properties + 1).Select(i => KeyValuePair.Create<string, JsonNode?>($"k{i}", value.DeepClone()))).ToJsonString();
        }

        if (schema["maxItems"]?.GetValue<int>() is { } items)
        {
            var item = new JsonObject(Required(schema["items"]!.AsObject()));
            yield return new JsonArray([.. Enumerable.Range(0, items + 1).Select(_ => item.DeepClone())]).ToJsonString();
        }
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Required(JsonObject item) =>
        (item["required"] as JsonArray ?? []).Select(name => name!.GetValue<string>()).Select(name =>
            KeyValuePair.Create<string, JsonNode?>(name, item["properties"]![name]!["enum"]?[0]?.DeepClone() ?? JsonValue.Create("a")));

    private static double? Bound(JsonObject schema, string name) =>
        schema[name] is { } value ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static IReadOnlyList<InputError> Errors(string kind, JsonObject resource)
    {
        var metadata = new ObjectMeta { Name = resource["metadata"]!["name"]!.GetValue<string>() };
        var spec = JsonSerializer.SerializeToElement(resource["spec"]);
        try
        {
            _ = kind == Pipeline.Kind ? (object)ResourceReader.ReadPipeline(metadata, spec) : ResourceReader.ReadRun(kind, metadata, spec);
            return [];
        }
        catch (InvalidInputException e)
        {
            return e.Errors;
        }
    }
}
