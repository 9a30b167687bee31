namespace VisualPriors.Api.Manifests;

/// <summary>Where a run stands in a file: a document of its own, or a stage of a pipeline.</summary>
/// <param name="Lines">Line of every field of its document, by path.</param>
/// <param name="Stage">Path of its stage, such as <c>spec.stages[1]</c>; null for a document of its own.</param>
/// <param name="Spec">Path of its spec in the document.</param>
internal sealed record RunSource(IReadOnlyDictionary<string, int> Lines, string? Stage = null, string Spec = "spec")
{
    /// <summary>Path in the document of a run's field.</summary>
    public string FieldOf(string field) => field switch
    {
        "metadata.name" when Stage is not null => $"{Stage}.name",
        _ when field.StartsWith("spec", StringComparison.Ordinal) => Spec + field["spec".Length..],
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
