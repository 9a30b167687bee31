using System.Text.Json.Serialization;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>Names, types and required members of the resources, as a manifest spells them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(PretrainRun))]
[JsonSerializable(typeof(AlignRun))]
[JsonSerializable(typeof(SftRun))]
[JsonSerializable(typeof(EvalRun))]
[JsonSerializable(typeof(Pipeline))]
internal sealed partial class ManifestJson : JsonSerializerContext;
