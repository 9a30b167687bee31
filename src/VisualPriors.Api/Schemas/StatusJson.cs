using System.Text.Json.Serialization;
using VisualPriors.Api.Resources.Status;

namespace VisualPriors.Api.Schemas;

/// <summary>Names, types and required members of the resources' status.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RunStatus))]
[JsonSerializable(typeof(PipelineStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
