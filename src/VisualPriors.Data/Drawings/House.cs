namespace VisualPriors.Data.Drawings;

/// <summary>Who drew a set of pictures of the same things.</summary>
public enum House
{
    /// <summary>Twemoji, from npm <c>emoji-datasource-twitter</c>: kept for testing.</summary>
    Twitter,

    /// <summary>Noto Emoji, from npm <c>emoji-datasource-google</c>.</summary>
    Google,

    /// <summary>OpenMoji, from npm <c>openmoji</c>.</summary>
    OpenMoji,
}

/// <summary>Which houses are for learning and which for testing.</summary>
public static class Houses
{
    /// <summary>Houses whose drawings may be trained on.</summary>
    public static IReadOnlyList<House> Training { get; } = [House.Google, House.OpenMoji];

    /// <summary>The house whose drawings are never trained on.</summary>
    public const House Test = House.Twitter;

    /// <summary>All of them, in the order drawings are stored.</summary>
    public static IReadOnlyList<House> All { get; } = [House.Twitter, House.Google, House.OpenMoji];

    /// <summary>Name of a house's folder: its lower-case name.</summary>
    public static string FolderOf(House house) => house switch
    {
        House.Twitter => "twitter",
        House.Google => "google",
        House.OpenMoji => "openmoji",
        _ => throw new ArgumentOutOfRangeException(nameof(house)),
    };
}
