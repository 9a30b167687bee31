using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Manifests;

/// <summary>A manifest's runs, each valid by itself and together, and where they stand in the file.</summary>
public sealed class Manifest
{
    private readonly Dictionary<Run, IReadOnlyDictionary<string, int>> _lines;

    internal Manifest(string file, IReadOnlyList<Run> runs, Dictionary<Run, IReadOnlyDictionary<string, int>> lines)
    {
        File = file;
        Runs = runs;
        _lines = lines;
    }

    /// <summary>The file it was read from, as it was given.</summary>
    public string File { get; }

    /// <summary>The runs, in the file's order.</summary>
    public IReadOnlyList<Run> Runs { get; }

    /// <summary>Line of a run's field, or of the nearest part around it that the file gives.</summary>
    /// <param name="run">One of <see cref="Runs"/>.</param>
    /// <param name="field">Field path such as <c>spec.training.tokens</c>.</param>
    public int LineOf(Run run, string field)
    {
        var lines = _lines[run];
        while (true)
        {
            if (lines.TryGetValue(field, out var line))
            {
                return line;
            }

            var end = field.LastIndexOfAny(['.', '[']);
            field = end < 0 ? "" : field[..end];
        }
    }
}
