using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace VisualPriors.ControllerRuntime;

/// <summary>One operation of a JSON patch (RFC 6902).</summary>
/// <param name="Operation"><c>add</c>, <c>remove</c>, <c>replace</c> or <c>test</c>.</param>
/// <param name="Path">JSON pointer.</param>
/// <param name="Value">Value; null where the operation has none.</param>
public sealed record JsonPatchOperation(
    [property: JsonPropertyName("op")] string Operation,
    [property: JsonPropertyName("path")] string Path,
    [property: JsonPropertyName("value"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonNode? Value = null);

[JsonSerializable(typeof(IReadOnlyList<JsonPatchOperation>))]
internal sealed partial class JsonPatchContext : JsonSerializerContext;
