using VisualPriors.Data.Text;

namespace VisualPriors.Data.Scenes;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood 2014): a counter passed through <see cref="RandomBits.Mix"/>, so every seed gives a stream of its
/// own at no cost and the numbers never change with the platform.
/// </summary>
internal struct SeededRandom(ulong seed)
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    /// <summary>A seed of its own for the part of a computation that a stream and an index name.</summary>
    public static ulong Derive(long seed, ulong stream, long index)
    {
        var mixed = RandomBits.Mix((ulong)seed);
        mixed = RandomBits.Mix(mixed ^ (stream * Step));
        return RandomBits.Mix(mixed + ((ulong)index * Step));
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var bits = RandomBits.Mix(_state);
        _state += Step;
        return bits;
    }

    /// <summary>A number in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number between two others.</summary>
    public double Between(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>An integer in [0, count); the bias of at most count / 2^64 is nothing.</summary>
    public int Below(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>Puts items into a random order.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
