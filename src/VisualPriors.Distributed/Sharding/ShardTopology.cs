using VisualPriors.Api.Resources;

namespace VisualPriors.Distributed.Sharding;

/// <summary>Who shares what with whom: a pure function of a rank's place and the settings.</summary>
/// <param name="ShardRanks">World ranks that hold one copy of the optimizer state together, this one among them, ascending.</param>
/// <param name="ReplicaRanks">World ranks that hold the same part of it, this one among them, ascending.</param>
public sealed record ShardTopology(IReadOnlyList<int> ShardRanks, IReadOnlyList<int> ReplicaRanks)
{
    /// <summary>The topology around a rank.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="size">All ranks.</param>
    /// <param name="localSize">Ranks of a node, which follow each other.</param>
    /// <param name="sharding">The settings.</param>
    public static ShardTopology Of(int rank, int size, int localSize, ShardingSpec sharding)
    {
        var shards = sharding switch
        {
            { ZeroStage: 0 } => 1,
            { WithinNode: true } => localSize,
            _ => size,
        };
        var first = rank / shards * shards;
        return new ShardTopology(
            [.. Enumerable.Range(first, shards)],
            [.. Enumerable.Range(0, size / shards).Select(replica => (replica * shards) + (rank % shards))]);
    }

    /// <summary>The part of a vector that a rank writes into a checkpoint: its shard, shared out once more among the ranks that hold the same one.</summary>
    /// <param name="length">Elements of the vector.</param>
    /// <param name="shardLength">Elements of a shard.</param>
    /// <param name="shard">The rank's shard.</param>
    /// <param name="replica">The rank's place among those with this shard.</param>
    /// <param name="replicas">Their number.</param>
    /// <returns>First element, and how many; none where nothing is left for it.</returns>
    public static (long Start, long Length) SavedPart(long length, long shardLength, int shard, int replica, int replicas)
    {
        var part = (shardLength + replicas - 1) / replicas;
        var start = Math.Min((shard * shardLength) + Math.Min(replica * part, shardLength), length);
        var end = Math.Min((shard * shardLength) + Math.Min((replica + 1) * part, shardLength), length);
        return (start, end - start);
    }
}
