using System.Numerics;

namespace VisualPriors.Data.Text;

/// <summary>Keyed shuffles that need no table: where an index goes is computed.</summary>
public static class Permutation
{
    /// <summary>Rounds of the Feistel network; four already make a strong permutation of a random function (Luby and Rackoff 1988).</summary>
    private const int Rounds = 6;

    /// <summary>
    /// The place of <paramref name="index"/> in a shuffle of the numbers below <paramref name="count"/>: a bijection for every key,
    /// O(1) in time and memory. A Feistel network shuffles the next power of four; results outside are shuffled again until inside.
    /// </summary>
    public static long At(long index, long count, ulong key)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        var half = (BitOperations.Log2((ulong)Math.Max(count - 1, 1)) / 2) + 1;
        var mask = (1UL << half) - 1;
        var value = (ulong)index;
        do
        {
            var left = value >> half;
            var right = value & mask;
            for (var round = 0UL; round < Rounds; round++)
            {
                (left, right) = (right, left ^ (RandomBits.Mix(key ^ RandomBits.Mix(right + (round << 56))) & mask));
            }

            value = (left << half) | right;
        }
        while (value >= (ulong)count);
        return (long)value;
    }
}
