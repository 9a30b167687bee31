using static TorchSharp.torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>A run of one process: nothing is sent, and what would be shared out is whole.</summary>
public sealed class SingleProcess : World
{
    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override int Size => 1;

    /// <inheritdoc/>
    public override int LocalRank => 0;

    /// <inheritdoc/>
    public override int LocalSize => 1;

    /// <inheritdoc/>
    public override ICommunicator Everyone { get; } = new Communicator();

    /// <inheritdoc/>
    public override HostChannel Steps { get; } = new Channel();

    /// <inheritdoc/>
    public override HostChannel Checkpoints { get; } = new Channel();

    /// <inheritdoc/>
    public override FlightRecorder FlightRecorder { get; } = new();

    /// <inheritdoc/>
    public override ICommunicator CreateGroup(IReadOnlyList<int> ranks) => new Communicator();

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    private sealed class Communicator : ICommunicator
    {
        public int Rank => 0;

        public int Size => 1;

        public Collective AllReduce(Tensor buffer) => Done.Instance;

        public Collective ReduceScatter(Tensor input, Tensor output) => Copy(input, output);

        public Collective AllGather(Tensor input, Tensor output) => Copy(input, output);

        public Collective Broadcast(Tensor buffer, int root) => Done.Instance;

        public void Dispose()
        {
        }

        private static Done Copy(Tensor input, Tensor output)
        {
            using var noGrad = no_grad();
            output.copy_(input);
            return Done.Instance;
        }
    }

    private sealed class Done : Collective
    {
        public static readonly Done Instance = new();

        public override void Wait()
        {
        }
    }

    private sealed class Channel : HostChannel
    {
        public override byte[][] AllGather(ReadOnlySpan<byte> message, CancellationToken cancellationToken) => [message.ToArray()];

        public override void Dispose()
        {
        }
    }
}
