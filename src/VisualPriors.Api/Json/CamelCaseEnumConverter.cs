using System.Text.Json;
using System.Text.Json.Serialization;

namespace VisualPriors.Api.Json;

/// <summary>Writes an enum's members in camel case (<c>bf16</c>, <c>mleBench</c>) and reads nothing but those names.</summary>
public sealed class CamelCaseEnumConverter<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where TEnum : struct, Enum;
