using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VisualPriors.Api.Plans;

/// <summary>
/// The name of a computation: equal computations have equal digests on every machine, so a stage's artifact is found again by it and
/// shared between experiments.
/// </summary>
public static class StageDigest
{
    /// <summary>
    /// Lower-case hexadecimal SHA-256 of the computation's canonical JSON and the contract's version. Canonical: members sorted by
    /// ordinal name, no white space, whole numbers as they are, other numbers as the shortest text of the nearest double.
    /// </summary>
    public static string Of(StageComputation computation)
    {
        var root = new JsonObject
        {
            ["computation"] = JsonSerializer.SerializeToNode(computation, ContractJson.Default.StageComputation),
            ["version"] = StagePlan.CurrentVersion,
        };
        return OfCanonical(root);
    }

    /// <summary>Hash of a document's canonical form.</summary>
    internal static string OfCanonical(JsonNode root)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            Write(writer, root);
        }

        return Convert.ToHexStringLower(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                writer.WriteStartObject();
                foreach (var (name, value) in members.OrderBy(member => member.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(name);
                    Write(writer, value);
                }

                writer.WriteEndObject();
                break;
            case JsonArray items:
                writer.WriteStartArray();
                foreach (var item in items)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValue number when number.GetValueKind() == JsonValueKind.Number:
                writer.WriteRawValue(Canonical(number.ToJsonString()));
                break;
            case null:
                writer.WriteNullValue();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }

    /// <summary>One spelling per value: 0.350, 0.35 and 3.5E-1 are the same weight, 35 and 35.0 too.</summary>
    private static string Canonical(string number) =>
        number.AsSpan().ContainsAny(".eE")
            ? double.Parse(number, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture)
            : number;
}
