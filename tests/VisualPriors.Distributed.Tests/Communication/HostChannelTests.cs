using VisualPriors.Distributed.Communication;

namespace VisualPriors.Distributed.Tests.Communication;

public sealed class HostChannelTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Everybody_gets_everybody_s_message_on_each_channel(int size)
    {
        Worlds.Run(size, world =>
        {
            foreach (var channel in (HostChannel[])[world.Checkpoints, world.Steps])
            {
                for (var call = 0; call < 100; call++)
                {
                    var messages = channel.AllGather(Message(world.Rank, call), CancellationToken.None);
                    Assert.Equal(Enumerable.Range(0, size).Select(rank => Message(rank, call)), messages);
                }
            }
        });
    }

    [Fact]
    public void Large_messages_get_through_and_larger_ones_are_refused()
    {
        Worlds.Run(3, world =>
        {
            var message = new byte[HostChannel.MaximumMessageBytes];
            Array.Fill(message, (byte)world.Rank);
            var messages = world.Steps.AllGather(message, CancellationToken.None);
            Assert.All(messages, (one, rank) => Assert.True(one.Length == message.Length && !one.AsSpan().ContainsAnyExcept((byte)rank)));
            Assert.Throws<ArgumentException>(() => world.Steps.AllGather(new byte[message.Length + 1], CancellationToken.None));
        });
    }

    [Fact]
    public void Channels_may_be_used_by_two_threads_at_once()
    {
        Worlds.Run(2, world =>
        {
            var failures = Worlds.Try([.. ((HostChannel[])[world.Steps, world.Checkpoints]).Select((channel, which) => (Action)(() =>
            {
                for (var call = 0; call < 300; call++)
                {
                    Assert.Equal([[0, (byte)which], [1, (byte)which]], channel.AllGather([(byte)world.Rank, (byte)which], CancellationToken.None));
                }
            }))]);
            Assert.All(failures, Assert.Null);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Waiting_can_be_stopped(int waiting)
    {
        using var done = new ManualResetEventSlim();
        Worlds.Run(2, world =>
        {
            if (world.Rank == waiting)
            {
                using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
                Assert.ThrowsAny<OperationCanceledException>(() => world.Steps.AllGather([1], stop.Token));
                Assert.Throws<CollectiveException>(() => world.Steps.AllGather([1], CancellationToken.None));
                done.Set();
            }

            Assert.True(done.Wait(Worlds.Patience));
        });
    }

    private static byte[] Message(int rank, int call) => [.. Enumerable.Range(0, rank == 1 ? 0 : (call % 7) * 100).Select(i => (byte)(rank + call + i))];
}
