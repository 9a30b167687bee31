using static TorchSharp.torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Collective operations among the ranks of a group. Every rank starts the same operations in the same order; they run in that order,
/// beside the caller's own work, and every rank ends with the same bits. Buffers are contiguous, fp32 or bf16, on the communicator's
/// device, and belong to the operation until it was waited for. Used by one thread at a time.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>This rank's place in the group, from 0.</summary>
    public int Rank { get; }

    /// <summary>Ranks in the group.</summary>
    public int Size { get; }

    /// <summary>Sums buffers over all ranks, in place.</summary>
    /// <param name="buffer">Any shape, the same on every rank.</param>
    public Collective AllReduce(Tensor buffer);

    /// <summary>Sums over all ranks and leaves each with its own part of the sum.</summary>
    /// <param name="input">[<see cref="Size"/> * n]; used as scratch space: its content is undefined afterwards, but for the own part where it is the output.</param>
    /// <param name="output">[n]: the sum of everybody's part number <see cref="Rank"/>. May be that part of the input itself.</param>
    public Collective ReduceScatter(Tensor input, Tensor output);

    /// <summary>Puts everybody's parts together.</summary>
    /// <param name="input">[n]. May be the output's own part.</param>
    /// <param name="output">[<see cref="Size"/> * n], in the order of ranks.</param>
    public Collective AllGather(Tensor input, Tensor output);

    /// <summary>Copies one rank's buffer to all.</summary>
    /// <param name="buffer">Any shape, the same on every rank.</param>
    /// <param name="root">The rank that it is copied from.</param>
    public Collective Broadcast(Tensor buffer, int root);
}

/// <summary>A collective operation that was started.</summary>
public abstract class Collective
{
    /// <summary>
    /// Makes what the caller does next see the result: on a CPU the calling thread waits; on a GPU the current stream does, the host does not.
    /// </summary>
    /// <exception cref="CollectiveException">Another rank is gone, or the operation did not end in its time.</exception>
    public abstract void Wait();
}
