namespace VisualPriors.Distributed.Communication;

/// <summary>
/// Small messages among the hosts of all ranks, past the device: what every rank must agree on (stop after this step, the samples of a
/// step, what a checkpoint consists of). One thread at a time; a process has one for its training loop and one for its checkpoint writer.
/// </summary>
public abstract class HostChannel : IDisposable
{
    /// <summary>Largest message.</summary>
    public const int MaximumMessageBytes = 16 << 20;

    /// <summary>Gives every rank everybody's message, by rank. Every rank calls it equally often.</summary>
    /// <exception cref="CollectiveException">Another rank is gone, or did not call in time.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public abstract byte[][] AllGather(ReadOnlySpan<byte> message, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract void Dispose();
}
