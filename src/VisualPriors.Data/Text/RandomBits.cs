namespace VisualPriors.Data.Text;

/// <summary>Random bits as a function of what they are for: nothing is drawn one after another, so any step can be computed alone.</summary>
internal static class RandomBits
{
    /// <summary>SplitMix64's output function (Steele, Lea and Flood 2014): every input bit changes about half of the output bits.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A hash of a name that is the same in every process (FNV-1a, mixed).</summary>
    public static ulong Of(string name)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var character in name)
        {
            hash = (hash ^ character) * 0x100000001B3;
        }

        return Mix(hash);
    }
}
