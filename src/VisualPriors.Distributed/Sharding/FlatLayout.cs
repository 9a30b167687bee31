namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// Where a unit's parameters lie in one flat vector: decayed ones first, each at a multiple of <see cref="Alignment"/> elements. It depends
/// on the parameters alone, not on how many ranks share the vector out, so that state saved by some ranks fits any other number of them.
/// </summary>
public sealed class FlatLayout
{
    /// <summary>Elements that a parameter's place is a multiple of: 128 bytes in bf16, what wide loads and matrix kernels like.</summary>
    public const int Alignment = 64;

    private FlatLayout(IReadOnlyList<FlatSlot> slots, long decayedLength, long length)
    {
        Slots = slots;
        DecayedLength = decayedLength;
        Length = length;
    }

    /// <summary>The parameters' places, in the order of the vector.</summary>
    public IReadOnlyList<FlatSlot> Slots { get; }

    /// <summary>Elements that weight decay applies to: the first ones.</summary>
    public long DecayedLength { get; }

    /// <summary>Elements in all, the gaps between parameters (which stay zero) counted.</summary>
    public long Length { get; }

    /// <summary>Lays parameters out.</summary>
    /// <param name="parameters">Name, elements, and whether weight decay applies.</param>
    public static FlatLayout Of(IEnumerable<(string Name, long Elements, bool Decay)> parameters)
    {
        var slots = new List<FlatSlot>();
        long offset = 0;
        long decayed = 0;
        foreach (var (name, elements, decay) in parameters.OrderBy(parameter => parameter.Decay ? 0 : 1))
        {
            slots.Add(new FlatSlot(name, offset, elements));
            offset += RoundUp(elements, Alignment);
            decayed = decay ? offset : decayed;
        }

        return new FlatLayout(slots, decayed, offset);
    }

    /// <summary>Elements of one rank's part when the vector is shared out evenly; the last parts may reach beyond <see cref="Length"/>.</summary>
    public long ShardLength(int shards) => RoundUp((Length + shards - 1) / shards, Alignment);

    private static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}

/// <summary>A parameter's place in a flat vector.</summary>
/// <param name="Name">The parameter's name.</param>
/// <param name="Offset">First element.</param>
/// <param name="Elements">Number of elements.</param>
public sealed record FlatSlot(string Name, long Offset, long Elements);
