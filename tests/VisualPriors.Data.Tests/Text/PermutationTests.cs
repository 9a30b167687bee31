using VisualPriors.Data.Text;

namespace VisualPriors.Data.Tests.Text;

public sealed class PermutationTests
{
    [Fact]
    public void Is_a_bijection_for_every_count_and_key()
    {
        for (var count = 1; count <= 300; count++)
        {
            foreach (var key in new[] { 0UL, 1UL, ulong.MaxValue, 0x9E3779B97F4A7C15UL * (ulong)count })
            {
                Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), Shuffle(count, key).Order());
            }
        }

        Assert.Equal(100_003, Shuffle(100_003, 7).Distinct().Count());
    }

    [Fact]
    public void Other_keys_give_other_orders()
    {
        Assert.NotEqual(Shuffle(100, 1), Shuffle(100, 2));
        Assert.NotEqual(Enumerable.Range(0, 100).Select(i => (long)i), Shuffle(100, 1));
    }

    /// <summary>Chi-squared over where index 0 of 50 goes under 20,000 keys: 49 degrees of freedom, 99.9 % below 85.4.</summary>
    [Fact]
    public void Every_place_is_as_likely()
    {
        var hits = new int[50];
        for (var key = 0UL; key < 20_000; key++)
        {
            hits[Permutation.At(0, 50, key)]++;
        }

        Assert.InRange(hits.Sum(hit => (hit - 400.0) * (hit - 400.0) / 400), 0, 85.4);
    }

    [Fact]
    public void Works_on_numbers_too_large_to_list()
    {
        const long Count = (1L << 61) + 12345;
        var places = Enumerable.Range(0, 1000).Select(i => Permutation.At(Count - 1 - i, Count, 42)).ToList();

        Assert.Equal(1000, places.Distinct().Count());
        Assert.All(places, place => Assert.InRange(place, 0, Count - 1));
    }

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(5, 5)]
    [InlineData(0, 0)]
    public void Refuses_indices_outside(long index, long count)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Permutation.At(index, count, 0));
    }

    private static long[] Shuffle(int count, ulong key) => [.. Enumerable.Range(0, count).Select(i => Permutation.At(i, count, key))];
}
