using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VisualPriors.Data.ImageText;

/// <summary>A line of LLaVA's data form.</summary>
internal sealed record LlavaLine
{
    public required string Id { get; init; }

    public string? Image { get; init; }

    public required IReadOnlyList<LlavaTurn> Conversations { get; init; }
}

/// <summary>A turn of LLaVA's data form.</summary>
/// <param name="From"><see cref="Human"/> or <see cref="Model"/>.</param>
/// <param name="Value">What is said.</param>
internal sealed record LlavaTurn(string From, string Value)
{
    public const string Human = "human";
    public const string Model = "gpt";
}

[JsonSerializable(typeof(LlavaLine))]
internal sealed partial class LlavaJson : JsonSerializerContext
{
    /// <summary>Writes text as people would: <c>&lt;image&gt;</c> and apostrophes unescaped. No browser ever sees these files as code.</summary>
    public static LlavaJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
