using System.Buffers;

namespace VisualPriors.Storage.Objects;

/// <summary>
/// What an object may be called, in every store: segments of letters, digits, '.', '_' and '-' that do not begin with a dot, joined by
/// slashes. So no name can leave its root, hide, or mean something else to another store.
/// </summary>
internal static class ObjectName
{
    /// <summary>Longest name, in characters.</summary>
    public const int MaximumLength = 900;

    /// <summary>Longest segment, in characters: what file systems take.</summary>
    public const int MaximumSegmentLength = 200;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether it is a name.</summary>
    public static bool IsValid(string name) => name.Length <= MaximumLength && name.Split('/').All(IsSegment);

    /// <summary>Whether it is a name of one segment.</summary>
    public static bool IsSegment(string segment) =>
        segment.Length is > 0 and <= MaximumSegmentLength && segment[0] != '.' && !segment.AsSpan().ContainsAnyExcept(Allowed);

    /// <summary>Refuses what is no name.</summary>
    /// <exception cref="StoreException">It is none.</exception>
    public static string Check(string name) => IsValid(name)
        ? name
        : throw new StoreException($"'{name}' is no object's name: expected segments of letters, digits, '.', '_' and '-', not beginning with '.', joined by '/'");
}
