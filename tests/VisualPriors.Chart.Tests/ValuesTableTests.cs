using System.Text.Json;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>values.yaml, its schema and the README's table say the same.</summary>
public sealed class ValuesTableTests
{
    private const string Start = "<!-- values: VP_UPDATE_GOLDEN=1 writes this table from values.yaml -->\n";
    private const string End = "<!-- end of values -->";

    private static readonly IReadOnlyList<ChartValue> Values = ValuesTable.Read(File.ReadAllText(Path.Combine(Repository.Chart, "values.yaml")));

    [Fact]
    public void Every_value_is_explained() => Assert.All(Values, value => Assert.True(value.Comment.Length > 0, $"{value.Path} has no comment."));

    [Fact]
    public void The_README_s_table_is_that_of_values_yaml()
    {
        var path = Path.Combine(Repository.Chart, "README.md");
        var text = File.ReadAllText(path);
        var start = text.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        Golden.Check(path, text[..start] + ValuesTable.Markdown(Values) + text[text.IndexOf(End, StringComparison.Ordinal)..]);
    }

    [Fact]
    public void The_schema_knows_every_value_and_no_other()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Chart, "values.schema.json")));
        // Maps and lists whose keys are the user's end a path; so do the parts of resources and affinity, which are Kubernetes' own.
        var known = Leaves(schema.RootElement, schema.RootElement, "").Where(path => path != "global").ToHashSet();
        var ownKeys = new[] { "resources", "affinity", "networkPolicy.monitoring.namespaceSelector", "networkPolicy.monitoring.podSelector" };
        known = known.Select(path => ownKeys.FirstOrDefault(own => path.StartsWith($"{own}.", StringComparison.Ordinal)) ?? path).ToHashSet();
        Assert.Equal(Values.Select(value => value.Path).Order(StringComparer.Ordinal), known.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_object_of_the_schema_takes_unknown_keys()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Chart, "values.schema.json")));
        Assert.All(ObjectsWithProperties(schema.RootElement), one => Assert.False(one.GetProperty("additionalProperties").GetBoolean()));
    }

    private static IEnumerable<string> Leaves(JsonElement root, JsonElement node, string path)
    {
        if (node.TryGetProperty("$ref", out var reference))
        {
            node = root.GetProperty("$defs").GetProperty(reference.GetString()!["#/$defs/".Length..]);
        }

        return node.TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().SelectMany(property => Leaves(root, property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}"))
            : [path];
    }

    private static IEnumerable<JsonElement> ObjectsWithProperties(JsonElement node) => node.ValueKind switch
    {
        JsonValueKind.Object => node.EnumerateObject().SelectMany(property => ObjectsWithProperties(property.Value))
            .Concat(node.TryGetProperty("properties", out _) ? [node] : []),
        JsonValueKind.Array => node.EnumerateArray().SelectMany(ObjectsWithProperties),
        _ => [],
    };
}
