using System.Diagnostics;
using System.Text.Json;
using TorchSharp;
using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests.Communication;

public sealed class FaultTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-flight-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(4, 0)]
    [InlineData(4, 2)]
    public void A_rank_that_vanishes_ends_an_all_reduce_on_all_others_at_once_and_is_named(int size, int victim)
    {
        var failures = WithKilledProcess(size, victim, (world, isReady) =>
        {
            using var scope = NewDisposeScope();
            world.FlightRecorder.Step = 42;
            var operation = world.Everyone.AllReduce(zeros(100_000));
            isReady();
            operation.Wait();
        });
        AssertNamed(failures, victim, $"all-reduce number 2 of group 0 (step 42, 400000 bytes of Float32)");
        for (var rank = 0; rank < size; rank++)
        {
            if (rank != victim)
            {
                var path = Path.Combine(_folder, $"flight-record-rank-{rank}.json");
                Assert.Contains(path, failures[rank]!.Message, StringComparison.Ordinal);
                var record = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
                Assert.Equal(rank, record.GetProperty("rank").GetInt32());
                Assert.Contains($"rank {victim} ", record.GetProperty("reason").GetString(), StringComparison.Ordinal);
                var last = record.GetProperty("collectives").EnumerateArray().Last(entry => entry.GetProperty("group").GetInt32() == 0);
                Assert.Equal(("all-reduce", 2, 42, 400_000), (last.GetProperty("operation").GetString(), last.GetProperty("sequence").GetInt32(), last.GetProperty("step").GetInt32(), last.GetProperty("bytes").GetInt32()));
                Assert.Equal(JsonValueKind.Null, last.GetProperty("ended").ValueKind);
                Assert.NotEqual(JsonValueKind.Null, record.GetProperty("collectives")[0].GetProperty("ended").ValueKind);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_rank_that_vanishes_ends_a_host_channel_s_call_on_all_others_at_once_and_is_named(int victim)
    {
        var failures = WithKilledProcess(3, victim, (world, isReady) =>
        {
            isReady();
            world.Checkpoints.AllGather([2], CancellationToken.None);
        });
        AssertNamed(failures, victim, "all-gather 2 of the checkpoints channel");
    }

    [Fact]
    public void Who_wants_to_know_is_told_of_a_lost_rank_without_asking()
    {
        var port = Worlds.FreePort();
        using var process = RankProcess.Start(2, port, 1);
        using var told = new ManualResetEventSlim();
        CollectiveException? failure = null;
        using var world = JoinedWorld.Join(Recorded(Worlds.Settings(2, port)), DeviceType.CPU, CancellationToken.None, e =>
        {
            failure = e;
            told.Set();
        });
        RankProcess.TakePart(world);
        process.WaitUntilReady();
        process.Kill();
        Assert.True(told.Wait(Worlds.Patience));
        var path = Path.Combine(_folder, "flight-record-rank-0.json");
        Assert.Matches($"^rank 1 is gone .*; flight record: {path}$", failure!.Message);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void A_flight_record_that_cannot_be_written_holds_up_nobody_for_long()
    {
        // Opening a pipe that nobody reads hangs, like a file on a file server that went away.
        var path = Path.Combine(_folder, "flight-record-rank-0.json");
        using (var maker = Process.Start("mkfifo", [path]))
        {
            maker.WaitForExit();
        }

        var failures = WithKilledProcess(2, 1, (world, isReady) =>
        {
            using var buffer = zeros(10);
            var operation = world.Everyone.AllReduce(buffer);
            isReady();
            try
            {
                operation.Wait();
            }
            finally
            {
                world.Dispose();
            }
        });
        File.ReadAllBytes(path);
        AssertNamed(failures, 1, "all-reduce number 2");
    }

    [Fact]
    public void A_rank_that_leaves_while_others_go_on_is_named_too()
    {
        var failures = Worlds.Try(4, world =>
        {
            if (world.Rank != 1)
            {
                using var buffer = zeros(10);
                world.Everyone.AllReduce(buffer).Wait();
            }
        });
        AssertNamed(failures, 1, "all-reduce number 1");
    }

    [Fact]
    public void A_rank_that_never_calls_makes_the_others_time_out_and_is_found_by_its_neighbour()
    {
        using var done = new CountdownEvent(2);
        var failures = Worlds.Try(3, world =>
        {
            if (world.Rank == 1)
            {
                Assert.True(done.Wait(Worlds.Patience));
                using var late = zeros(5);
                Assert.Throws<CollectiveException>(() => world.Everyone.AllReduce(late).Wait());
                return;
            }

            try
            {
                using var buffer = zeros(1000);
                world.Everyone.AllReduce(buffer).Wait();
            }
            finally
            {
                done.Signal();
            }
        }, settings => Recorded(settings) with { CollectiveTimeout = TimeSpan.FromSeconds(settings.Rank == 2 ? 1 : 30) });
        AssertNamed(failures, 1, "all-reduce number 1");
        Assert.Contains("did not end within 1 s on rank 2: rank 1 has not begun it", failures[0]!.Message, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void A_host_channel_s_call_names_who_did_not_come()
    {
        using var done = new CountdownEvent(2);
        var failures = Worlds.Try(3, world =>
        {
            if (world.Rank == 1)
            {
                Assert.True(done.Wait(Worlds.Patience));
                return;
            }

            try
            {
                world.Steps.AllGather([], CancellationToken.None);
            }
            finally
            {
                done.Signal();
            }
        }, settings => settings with { CollectiveTimeout = TimeSpan.FromSeconds(settings.Rank == 0 ? 1 : 30) });
        AssertNamed(failures, 1, "of the steps channel");
    }

    [Fact]
    public void Ranks_that_do_different_things_are_told_so()
    {
        var failures = Worlds.Try(2, world =>
        {
            using var buffer = zeros(world.Rank == 0 ? 10 : 20);
            world.Everyone.AllReduce(buffer).Wait();
        });
        Assert.All(failures, failure => Assert.Contains("does something else at this place: all-reduce number 1 of", Assert.IsType<CollectiveException>(failure).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Groups_of_which_ranks_think_differently_are_refused()
    {
        var failures = Worlds.Try(3, world => world.CreateGroup(world.Rank == 2 ? [1, 2] : [0, 1]));
        Assert.All(failures, failure => Assert.IsType<CollectiveException>(failure));
        Worlds.Run(2, world => Assert.All(
            (int[][])[[], [1, 0], [0, 2], [1 - world.Rank]], ranks => Assert.Throws<ArgumentException>(() => world.CreateGroup(ranks))));
    }

    [Fact]
    public void A_world_can_be_left_while_an_operation_hangs()
    {
        using var left = new ManualResetEventSlim();
        var failures = Worlds.Try(2, world =>
        {
            if (world.Rank == 0)
            {
                Assert.True(left.Wait(Worlds.Patience));
                return;
            }

            using var buffer = zeros(10);
            var operation = world.Everyone.AllReduce(buffer);
            var watch = Stopwatch.StartNew();
            world.Dispose();
            left.Set();
            Assert.Throws<CollectiveException>(operation.Wait);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
            Assert.Throws<ObjectDisposedException>(() => world.Everyone.AllReduce(buffer));
        });
        Assert.All(failures, Assert.Null);
    }

    [Fact]
    public void After_a_failure_nothing_is_begun()
    {
        var failures = WithKilledProcess(2, 1, (world, isReady) =>
        {
            isReady();
            using var buffer = zeros(10);
            Assert.Throws<CollectiveException>(() => world.Everyone.AllReduce(buffer).Wait());
            Assert.Throws<CollectiveException>(() => world.Everyone.AllReduce(buffer));
            Assert.Throws<CollectiveException>(() => world.Steps.AllGather([], CancellationToken.None));
            Assert.Throws<CollectiveException>(() => world.CreateGroup([0]));
        });
        Assert.All(failures, Assert.Null);
    }

    [Fact]
    public void The_flight_recorder_remembers_the_last_operations_and_allocates_nothing_for_them()
    {
        var recorder = new FlightRecorder { Step = 1 };
        void Record(long sequence)
        {
            var ticket = recorder.Ask(0, "all-reduce", sequence, 8);
            recorder.Start(ticket);
            recorder.End(ticket);
        }

        Record(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 2; i <= 1000; i++)
        {
            Record(i);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        var forgotten = recorder.Ask(3, "broadcast", 1001, 16);
        var path = Path.Combine(_folder, "below", "record.json");
        recorder.Write(path, 7, "a test");
        var record = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
        var sequences = record.GetProperty("collectives").EnumerateArray().Select(entry => entry.GetProperty("sequence").GetInt64());
        Assert.Equal(Enumerable.Range(1001 - 255, 256).Select(i => (long)i), sequences);
        Assert.Equal(1000, forgotten);
    }

    /// <summary>
    /// Lets all ranks run something, one of them as a process of its own that takes part in one operation of each kind and is killed once
    /// the others are ready for that.
    /// </summary>
    /// <returns>By rank: what went wrong.</returns>
    private Exception?[] WithKilledProcess(int size, int victim, Action<World, Action> body)
    {
        var port = Worlds.FreePort();
        using var process = RankProcess.Start(size, port, victim);
        using var ready = new CountdownEvent(size - 1);
        return Worlds.Try([.. Enumerable.Range(0, size).Select(rank => (Action)(() =>
        {
            if (rank == victim)
            {
                process.WaitUntilReady();
                Assert.True(ready.Wait(Worlds.Patience));
                process.Kill();
                return;
            }

            using var world = JoinedWorld.Join(Recorded(Worlds.Settings(size, port, rank)), DeviceType.CPU, CancellationToken.None);
            RankProcess.TakePart(world);
            body(world, () => ready.Signal());
        }))]);
    }

    private static void AssertNamed(Exception?[] failures, int victim, string operation)
    {
        Assert.Null(failures[victim]);
        for (var rank = 0; rank < failures.Length; rank++)
        {
            if (rank != victim)
            {
                var message = Assert.IsType<CollectiveException>(failures[rank]).Message;
                Assert.Contains(operation, message, StringComparison.Ordinal);
                Assert.Matches($"rank {victim} (is gone|has not begun it)|for rank {victim}$", message);
            }
        }
    }

    private RendezvousSettings Recorded(RendezvousSettings settings) => settings with { FlightRecordDirectory = _folder };
}
