using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>A manifest's runs, each valid by itself and together, and where they stand in the file.</summary>
public sealed class Manifest
{
    private readonly Dictionary<Run, RunSource> _sources;

    internal Manifest(string file, IReadOnlyList<Run> runs, IReadOnlyList<Pipeline> pipelines, Dictionary<Run, RunSource> sources)
    {
        File = file;
        Runs = runs;
        Pipelines = pipelines;
        _sources = sources;
    }

    /// <summary>The file it was read from, as it was given.</summary>
    public string File { get; }

    /// <summary>The runs, those of pipelines included, in the file's order.</summary>
    public IReadOnlyList<Run> Runs { get; }

    /// <summary>The pipelines, in the file's order.</summary>
    public IReadOnlyList<Pipeline> Pipelines { get; }

    /// <summary>The stage of a pipeline that a run is; null for a run of its own.</summary>
    /// <param name="run">One of <see cref="Runs"/>.</param>
    public PipelineStage? StageOf(Run run) => _sources[run].Stage;

    /// <summary>Line of a run's field, or of the nearest part around it that the file gives.</summary>
    /// <param name="run">One of <see cref="Runs"/>.</param>
    /// <param name="field">Field path such as <c>spec.training.tokens</c>.</param>
    public int LineOf(Run run, string field) => _sources[run].LineOf(_sources[run].FieldOf(field));

    /// <summary>An error about a run's field: names the field as the file has it (a pipeline's run is a stage there), and its line.</summary>
    /// <param name="run">One of <see cref="Runs"/>.</param>
    /// <param name="field">Field path such as <c>spec.training.tokens</c>.</param>
    /// <param name="found">What was found.</param>
    /// <param name="expected">What was expected.</param>
    public InputError ErrorAt(Run run, string field, string found, string expected) =>
        new(File, _sources[run].FieldOf(field), found, expected, LineOf(run, field));
}
