using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>Where a run stands in a file: a document of its own, or a stage of a pipeline.</summary>
/// <param name="Lines">Line of every field of its document, by path.</param>
/// <param name="Stage">The pipeline's stage that it is; null for a document of its own.</param>
/// <param name="StagePath">Path of that stage, such as <c>spec.stages[1]</c>.</param>
/// <param name="SpecPath">Path of its spec in the document.</param>
internal sealed record RunSource(IReadOnlyDictionary<string, int> Lines, PipelineStage? Stage = null, string? StagePath = null, string SpecPath = "spec")
{
    /// <summary>Path in the document of a run's field.</summary>
    public string FieldOf(string field) => field switch
    {
        "metadata.name" when Stage is not null => $"{StagePath}.name",
        _ when field.StartsWith("spec", StringComparison.Ordinal) => SpecPath + field["spec".Length..],
        _ => field,
    };

    /// <summary>Line of a field of the document, or of the nearest part around it that the file gives.</summary>
    public int LineOf(string field)
    {
        while (true)
        {
            if (Lines.TryGetValue(field, out var line))
            {
                return line;
            }

            var end = field.LastIndexOfAny(['.', '[']);
            field = end < 0 ? "" : field[..end];
        }
    }
}
