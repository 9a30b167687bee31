using VisualPriors.ChartTesting;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.Chart.Tests;

/// <summary>What the chart renders to.</summary>
internal static class Rendering
{
    /// <summary>The value that has no default.</summary>
    public const string Address = "storage.address=azblob://account/container/prefix";

    /// <summary>Renders the chart with the address and further options of helm.</summary>
    public static async Task<string> TextAsync(params string[] options)
    {
        using var helm = new Helm();
        return await helm.RunAsync(
            ["template", "visualpriors", Repository.Chart, "--namespace", "visualpriors-system", "--set", Address, .. options]);
    }

    /// <summary>Renders the chart to objects.</summary>
    public static async Task<IReadOnlyList<YamlMappingNode>> ObjectsAsync(params string[] options) => Parse(await TextAsync(options));

    /// <summary>The objects of a text with several documents.</summary>
    public static IReadOnlyList<YamlMappingNode> Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return [.. stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>()];
    }

    /// <summary>The value at a path of keys and places in lists; null where there is none.</summary>
    public static YamlNode? At(this YamlNode node, params object[] path)
    {
        var here = node;
        foreach (var step in path)
        {
            here = (here, step) switch
            {
                (YamlMappingNode map, string key) => map.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null,
                (YamlSequenceNode list, int place) => list.Children.ElementAtOrDefault(place),
                _ => null,
            };
            if (here is null)
            {
                return null;
            }
        }

        return here;
    }

    /// <summary>The scalar at a path; empty where there is none.</summary>
    public static string Text(this YamlNode node, params object[] path) => (node.At(path) as YamlScalarNode)?.Value ?? "";

    /// <summary>What it is, as people name it.</summary>
    public static string Title(this YamlNode node) => $"{node.Text("kind")} {node.Text("metadata", "name")}";
}
