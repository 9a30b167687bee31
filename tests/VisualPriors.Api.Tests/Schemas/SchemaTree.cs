using System.Text.Json.Nodes;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>What an API server does with a schema, as far as tests need it.</summary>
internal static class SchemaTree
{
    /// <summary>The schema of a kind.</summary>
    public static JsonObject Of(string kind) =>
        CustomResourceDefinitions.Definition(CustomResource.All.Single(resource => resource.Kind == kind))["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!
            .DeepClone().AsObject();

    /// <summary>A resource with its schema's defaults.</summary>
    public static JsonObject Default(string kind, JsonObject resource)
    {
        var defaulted = resource.DeepClone().AsObject();
        Default(Of(kind), defaulted);
        return defaulted;
    }

    /// <summary>Every field of a schema below <paramref name="path"/>, with its path; items of lists are <c>[]</c>, values of mappings <c>.*</c>.</summary>
    public static IEnumerable<(string Path, JsonObject Schema)> Fields(JsonObject schema, string path = "")
    {
        foreach (var (name, property) in schema["properties"] as JsonObject ?? [])
        {
            foreach (var field in Below(property!.AsObject(), path.Length == 0 ? name : $"{path}.{name}"))
            {
                yield return field;
            }
        }
    }

    /// <summary>The repository's root.</summary>
    public static string Repository()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "VisualPriors.sln")))
        {
            root = root.Parent!;
        }

        return root.FullName;
    }

    private static IEnumerable<(string Path, JsonObject Schema)> Below(JsonObject property, string path)
    {
        IEnumerable<(string, JsonObject)> inside =
            property["items"] is JsonObject items ? [.. Fields(items, $"{path}[]")]
            : property["additionalProperties"] is JsonObject values ? [($"{path}.*", values)]
            : Fields(property, path);
        return [(path, property), .. inside];
    }

    private static void Default(JsonObject schema, JsonNode? value)
    {
        switch (value)
        {
            case JsonObject mapping:
                foreach (var (name, property) in schema["properties"] as JsonObject ?? [])
                {
                    if (mapping[name] is null && property!["default"] is { } fallback)
                    {
                        mapping[name] = fallback.DeepClone();
                    }

                    Default(property!.AsObject(), mapping[name]);
                }

                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    Default(schema["items"]!.AsObject(), item);
                }

                break;
        }
    }
}
