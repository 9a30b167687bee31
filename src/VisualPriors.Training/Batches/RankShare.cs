namespace VisualPriors.Training.Batches;

/// <summary>One rank's part of every global batch: as many slots as every other rank's, one after another.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Size">All ranks; divides the global batch.</param>
public sealed record RankShare(int Rank, int Size)
{
    /// <summary>The whole batch, for a run of one process.</summary>
    public static RankShare Whole { get; } = new(0, 1);

    /// <summary>Cuts the share into micro-batches.</summary>
    /// <param name="globalBatchSize">Samples of a step.</param>
    /// <param name="microBatchSize">Samples of a micro-batch, a divisor of the share; null takes the share at once.</param>
    /// <returns>First slot and number of samples of each.</returns>
    public IEnumerable<(int First, int Count)> Cut(int globalBatchSize, int? microBatchSize)
    {
        var share = globalBatchSize / Size;
        var micro = microBatchSize ?? share;
        for (var first = 0; first < share; first += micro)
        {
            yield return ((Rank * share) + first, micro);
        }
    }
}
