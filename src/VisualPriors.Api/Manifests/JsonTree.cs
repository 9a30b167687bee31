using System.Text.Json;

namespace VisualPriors.Api.Manifests;

/// <summary>A custom resource's JSON as the nodes that a YAML document is read into, so that both are bound by the same rules.</summary>
internal static class JsonTree
{
    /// <summary>The nodes; they have no lines (0). The API server has bounded depth and size already.</summary>
    public static YamlNode Of(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => new YamlMapping(0, [.. element.EnumerateObject().Select(property => KeyValuePair.Create(Text(property.Name), Of(property.Value)))]),
        JsonValueKind.Array => new YamlSequence(0, [.. element.EnumerateArray().Select(Of)]),
        JsonValueKind.String => Text(element.GetString()!),
        JsonValueKind.Undefined => Plain("null"),
        // Numbers, true, false and null read as plain YAML scalars do.
        _ => Plain(element.GetRawText()),
    };

    private static YamlScalar Text(string value) => new(0, value, IsPlain: false);

    private static YamlScalar Plain(string value) => new(0, value, IsPlain: true);
}
