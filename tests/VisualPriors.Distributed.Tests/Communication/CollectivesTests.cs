using System.Runtime.InteropServices;
using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests.Communication;

public sealed class CollectivesTests
{
    /// <summary>Elements: none, fewer than ranks, not divisible, larger than scratch space and socket buffers.</summary>
    private static readonly int[] Counts = [0, 1, 3, 12, 997, 300_001];

    public static TheoryData<int, ScalarType> Cases
    {
        get
        {
            var cases = new TheoryData<int, ScalarType>();
            foreach (var size in (int[])[1, 2, 3, 4])
            {
                cases.Add(size, ScalarType.Float32);
                cases.Add(size, ScalarType.BFloat16);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void All_reduce_is_the_plain_sum_with_the_same_bits_everywhere(int size, ScalarType type)
    {
        foreach (var count in Counts)
        {
            var results = new byte[size][];
            Worlds.Run(size, world =>
            {
                using var scope = NewDisposeScope();
                var buffer = Values(world.Rank, count, type);
                world.Everyone.AllReduce(buffer).Wait();
                AssertSum(Enumerable.Range(0, size), count, type, buffer);
                results[world.Rank] = Bits(buffer);
            });
            Assert.All(results, result => Assert.Equal(results[0], result));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Parts_are_summed_and_gathered(int size, ScalarType type)
    {
        Worlds.Run(size, world =>
        {
            foreach (var part in Counts)
            {
                using var scope = NewDisposeScope();
                foreach (var inPlace in (bool[])[false, true])
                {
                    var input = Values(world.Rank, part * size, type);
                    var output = inPlace ? input.narrow(0, (long)world.Rank * part, part) : zeros(part, type);
                    world.Everyone.ReduceScatter(input, output).Wait();
                    AssertSum(Enumerable.Range(0, size), part * size, type, output, world.Rank * part);

                    var whole = zeros(part * size, type);
                    var own = inPlace ? whole.narrow(0, (long)world.Rank * part, part) : output;
                    own.copy_(Values(world.Rank, part, type));
                    world.Everyone.AllGather(own, whole).Wait();
                    for (var rank = 0; rank < size; rank++)
                    {
                        Assert.Equal(Bits(Values(rank, part, type)), Bits(whole.narrow(0, (long)rank * part, part)));
                    }
                }
            }
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Broadcast_copies_from_any_root(int size, ScalarType type)
    {
        Worlds.Run(size, world =>
        {
            foreach (var count in Counts)
            {
                for (var root = 0; root < size; root++)
                {
                    using var scope = NewDisposeScope();
                    var buffer = Values(world.Rank, count, type);
                    world.Everyone.Broadcast(buffer, root).Wait();
                    Assert.Equal(Bits(Values(root, count, type)), Bits(buffer));
                }
            }
        });
    }

    [Fact]
    public void An_all_reduce_has_the_bits_of_a_reduce_scatter_and_an_all_gather()
    {
        Worlds.Run(4, world =>
        {
            using var scope = NewDisposeScope();
            var together = Values(world.Rank, 4000, ScalarType.Float32);
            world.Everyone.AllReduce(together).Wait();
            var apart = Values(world.Rank, 4000, ScalarType.Float32);
            var own = apart.narrow(0, world.Rank * 1000L, 1000);
            world.Everyone.ReduceScatter(apart, own).Wait();
            world.Everyone.AllGather(own, apart).Wait();
            Assert.Equal(Bits(together), Bits(apart));
        });
    }

    [Fact]
    public void Numbers_that_are_none_stay_so_in_bf16()
    {
        Worlds.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            var values = new float[40];
            (values[0], values[17], values[39]) = world.Rank == 0 ? (float.NaN, float.PositiveInfinity, 3f) : (1f, 1f, float.NegativeInfinity);
            var buffer = tensor(values).to(ScalarType.BFloat16);

            // The NaN that rounding brings nearest to overflowing.
            MemoryMarshal.Cast<byte, ushort>(buffer.bytes)[5] = 0x7FFF;
            world.Everyone.AllReduce(buffer).Wait();
            var sums = buffer.to(ScalarType.Float32).data<float>().ToArray();
            Assert.Equal([float.NaN, 0, 0, 0, 0, float.NaN], sums[..6]);
            Assert.Equal(float.PositiveInfinity, sums[17]);
            Assert.Equal(float.NegativeInfinity, sums[39]);
        });
    }

    [Fact]
    public void Bf16_sums_are_rounded_like_libtorch_does()
    {
        using var scope = NewDisposeScope();
        Worlds.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            var buffer = Values(world.Rank, 100_013, ScalarType.BFloat16);
            world.Everyone.AllReduce(buffer).Wait();
            var expected = Values(0, 100_013, ScalarType.BFloat16).add(Values(1, 100_013, ScalarType.BFloat16));
            Assert.Equal(Bits(expected), Bits(buffer));
        });
    }

    [Fact]
    public void A_thousand_small_operations_run_in_the_order_in_which_they_were_asked_for()
    {
        Worlds.Run(3, world =>
        {
            using var scope = NewDisposeScope();
            var buffer = ones(5);
            var operations = Enumerable.Range(0, 1000).Select(i => i % 3 == 2
                ? world.Everyone.Broadcast(buffer, i % 2)
                : world.Everyone.AllReduce(buffer)).ToArray();
            operations[^1].Wait();
            Assert.All(operations, operation => operation.Wait());
            Assert.All(buffer.data<float>().ToArray(), value => Assert.Equal(float.PositiveInfinity, value));
            for (var i = 0; i < 1000; i++)
            {
                buffer.fill_(world.Rank + i);
                world.Everyone.AllReduce(buffer).Wait();
                Assert.Equal(3 + (3 * i), buffer[0].item<float>());
            }
        });
    }

    [Fact]
    public void Groups_work_beside_each_other_in_any_order()
    {
        Worlds.Run(4, world =>
        {
            using var scope = NewDisposeScope();
            int[] node = world.Rank < 2 ? [0, 1] : [2, 3];
            int[] across = world.Rank % 2 == 0 ? [0, 2] : [1, 3];
            var groups = new (ICommunicator Communicator, int[] Ranks)[]
            {
                (world.CreateGroup(node), node),
                (world.CreateGroup(across), across),
                (world.CreateGroup([world.Rank]), [world.Rank]),
                (world.CreateGroup(world.Rank == 3 ? [3] : [0, 1, 2]), world.Rank == 3 ? [3] : [0, 1, 2]),
                (world.Everyone, [0, 1, 2, 3]),
            };
            var random = new Random(5);
            for (var round = 0; round < 20; round++)
            {
                random.Shuffle(groups);
                var buffers = groups.Select(_ => Values(world.Rank, 1001, ScalarType.Float32)).ToArray();
                var operations = groups.Select((group, i) => group.Communicator.AllReduce(buffers[i])).ToArray();
                for (var i = 0; i < groups.Length; i++)
                {
                    operations[i].Wait();
                    Assert.Equal(groups[i].Ranks.Length, groups[i].Communicator.Size);
                    Assert.Equal(world.Rank, groups[i].Ranks[groups[i].Communicator.Rank]);
                    AssertSum(groups[i].Ranks, 1001, ScalarType.Float32, buffers[i]);
                }
            }
        });
    }

    [Fact]
    public void Buffers_may_be_forgotten_before_their_operation_ends()
    {
        Worlds.Run(2, world =>
        {
            Collective last;
            using (NewDisposeScope())
            {
                last = world.Everyone.AllReduce(ones(1 << 20));
            }

            last.Wait();
        });
    }

    [Fact]
    public void Buffers_that_do_not_fit_are_refused()
    {
        Worlds.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            Assert.Throws<ArgumentException>(() => world.Everyone.AllReduce(zeros(3, int64)));
            Assert.Throws<ArgumentException>(() => world.Everyone.AllReduce(zeros(4, 4).t()));
            Assert.Throws<ArgumentException>(() => world.Everyone.ReduceScatter(zeros(5), zeros(2)));
            Assert.Throws<ArgumentException>(() => world.Everyone.AllGather(zeros(2), zeros(4, bfloat16)));
            Assert.Throws<ArgumentOutOfRangeException>(() => world.Everyone.Broadcast(zeros(2), 2));
        });
    }

    /// <summary>Every rank its own numbers, the same at each call.</summary>
    private static Tensor Values(int rank, int count, ScalarType type)
    {
        var random = new Random(rank + 1);
        return tensor(Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1).ToArray()).to(type);
    }

    private static byte[] Bits(Tensor values) => values.numel() == 0 ? [] : values.contiguous().clone().bytes.ToArray();

    private static void AssertSum(IEnumerable<int> ranks, int count, ScalarType type, Tensor actual, int offset = 0)
    {
        var members = ranks.ToArray();
        var expected = zeros(count, ScalarType.Float64);
        foreach (var rank in members)
        {
            expected.add_(Values(rank, count, type).to(ScalarType.Float64));
        }

        var difference = expected.narrow(0, offset, actual.numel()).sub(actual.to(ScalarType.Float64)).abs();
        var tolerance = members.Length == 1 ? 0 : type == ScalarType.BFloat16 ? 0.03 : 1e-6;
        Assert.True(difference.numel() == 0 || difference.max().item<double>() <= tolerance, "it is not the sum");
    }
}
