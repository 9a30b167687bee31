using System.Globalization;
using System.Text.RegularExpressions;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Checkpoints;

/// <summary>Where the objects of one checkpoint lie.</summary>
/// <param name="Step">The checkpoint's step.</param>
/// <param name="Attempt">The attempt that writes, or wrote, it.</param>
internal sealed partial record CheckpointFolder(long Step, long Attempt)
{
    /// <summary>What the names of all objects of all checkpoints begin with.</summary>
    public const string Prefix = "checkpoints/";

    private const string ManifestName = "manifest.json";

    /// <summary>The folder's name.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"step-{Step:D12}-attempt-{Attempt:D6}");

    /// <summary>Name of the manifest's object.</summary>
    public string Manifest => ObjectOf(ManifestName);

    /// <summary>Name of a part's object.</summary>
    public string ObjectOf(string part) => $"{Prefix}{Name}/{part}";

    /// <summary>Whether a part may be called so.</summary>
    public static bool IsPartName(string name) => ObjectName.IsSegment(name) && name != ManifestName;

    /// <summary>The checkpoint of a folder's name; null when it is none's.</summary>
    public static CheckpointFolder? TryParse(string name) =>
        FolderName().Match(name) is { Success: true } match
        && long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var step)
        && long.TryParse(match.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var attempt)
        && new CheckpointFolder(step, attempt) is var folder && folder.Name == name
            ? folder
            : null;

    [GeneratedRegex(@"^step-([0-9]{12,18})-attempt-([0-9]{6,18})\z")]
    private static partial Regex FolderName();
}
