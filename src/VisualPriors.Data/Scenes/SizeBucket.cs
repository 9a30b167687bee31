namespace VisualPriors.Data.Scenes;

/// <summary>How much of a scene a thing covers: MLE-Bench's three groups (paper.md 4.3).</summary>
public enum SizeBucket
{
    /// <summary>Less than 30 % of the pixels; here at least <see cref="SizeBuckets.SmallestShare"/>.</summary>
    Small,

    /// <summary>30 to 60 %.</summary>
    Medium,

    /// <summary>60 % and more.</summary>
    Large,
}

/// <summary>The buckets' bounds and names.</summary>
public static class SizeBuckets
{
    /// <summary>Least share of a scene that a thing covers: below about 18x18 of 64x64 pixels people cannot name it either.</summary>
    public const double SmallestShare = 0.08;

    /// <summary>All of them, smallest first.</summary>
    public static IReadOnlyList<SizeBucket> All { get; } = [SizeBucket.Small, SizeBucket.Medium, SizeBucket.Large];

    /// <summary>Shares of pixels a bucket spans: from the first, to below the second.</summary>
    public static (double Low, double High) Range(SizeBucket bucket) => bucket switch
    {
        SizeBucket.Small => (SmallestShare, 0.30),
        SizeBucket.Medium => (0.30, 0.60),
        SizeBucket.Large => (0.60, 1.01),
        _ => throw new ArgumentOutOfRangeException(nameof(bucket)),
    };

    /// <summary>MLE-Bench's name of a bucket.</summary>
    public static string SubTaskOf(SizeBucket bucket) => bucket switch
    {
        SizeBucket.Small => "existence_0-30",
        SizeBucket.Medium => "existence_30-60",
        SizeBucket.Large => "existence_60-100",
        _ => throw new ArgumentOutOfRangeException(nameof(bucket)),
    };

    /// <summary>Largest extent of a thing's longer side, in sides of the scene: beyond it too much would be cut off to know it by.</summary>
    internal static double LargestExtent(SizeBucket bucket) => bucket == SizeBucket.Large ? 1.35 : 1.05;
}
