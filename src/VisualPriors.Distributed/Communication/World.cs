namespace VisualPriors.Distributed.Communication;

/// <summary>All processes of a run, as one of them sees them. <see cref="SingleProcess"/> is a run of one.</summary>
public abstract class World : IDisposable
{
    /// <summary>This process's place among all, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>All processes.</summary>
    public abstract int Size { get; }

    /// <summary>This process's place among those of its node.</summary>
    public abstract int LocalRank { get; }

    /// <summary>Processes of a node; every node has as many, and ranks of a node follow each other.</summary>
    public abstract int LocalSize { get; }

    /// <summary>Collectives among all.</summary>
    public abstract ICommunicator Everyone { get; }

    /// <summary>The training loop's channel.</summary>
    public abstract HostChannel Steps { get; }

    /// <summary>The checkpoint writer's channel.</summary>
    public abstract HostChannel Checkpoints { get; }

    /// <summary>What was communicated last; the loop tells it the step.</summary>
    public abstract FlightRecorder FlightRecorder { get; }

    /// <summary>
    /// A communicator of some of the ranks. Every rank of the world calls it in the same order, each with the group that it belongs to itself.
    /// </summary>
    /// <param name="ranks">World ranks in ascending order, the own one among them.</param>
    public abstract ICommunicator CreateGroup(IReadOnlyList<int> ranks);

    /// <inheritdoc/>
    public abstract void Dispose();
}
