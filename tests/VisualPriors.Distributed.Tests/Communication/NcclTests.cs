using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using VisualPriors.Distributed.Communication;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests.Communication;

/// <summary>
/// There is no NCCL and no GPU where these tests run: a library in C, compiled by the test, writes down what reaches it. What NCCL itself
/// makes of it is not tested.
/// </summary>
public sealed unsafe class NcclTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-nccl-").FullName;
    private readonly string _path;
    private readonly nint _library;
    private readonly NcclLibrary _nccl;
    private readonly nint _communicator;

    public NcclTests()
    {
        // A path of its own for each test: the system gives out one library, and its state, per path.
        _path = Path.Combine(_folder, "libnccl_recorder.so");
        Compile(Path.Combine(AppContext.BaseDirectory, "Communication", "nccl_recorder.c"), _path);
        _library = NativeLibrary.Load(_path);
        _nccl = NcclLibrary.Load(_path);
        _communicator = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(_library, "recorder_communicator"))();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_library_that_is_named_is_the_one_that_is_used()
    {
        Assert.Equal(_path, _nccl.Name);
        Assert.Equal(22705, _nccl.Version);
    }

    [Fact]
    public void What_was_tried_is_told_in_its_order()
    {
        if (NativeLibrary.TryLoad("libnccl.so.2", out _))
        {
            // A machine that has NCCL, which then is what is loaded.
            Assert.Equal("libnccl.so.2", NcclLibrary.Load(null).Name);
            return;
        }

        var none = Assert.Throws<DllNotFoundException>(() => NcclLibrary.Load(null)).Message;
        Assert.Matches("(?s)NCCL_LIBRARY is not set.*tried libnccl\\.so\\.2: .*; libtorch_cuda\\.so: ", none);
        var missing = Assert.Throws<DllNotFoundException>(() => NcclLibrary.Load("/no/such/library.so")).Message;
        Assert.Contains("NCCL_LIBRARY is set", missing, StringComparison.Ordinal);
        Assert.Contains("/no/such/library.so: ", missing, StringComparison.Ordinal);
        Assert.DoesNotContain("libnccl.so.2", missing, StringComparison.Ordinal);
    }

    [Fact]
    public void The_system_s_library_comes_before_libtorch_s()
    {
        // Both names lead to recorders: which one is loaded shows by its path.
        var source = Path.Combine(AppContext.BaseDirectory, "Communication", "nccl_recorder.c");
        Compile(source, Path.Combine(_folder, "libtorch_cuda.so"));
        Assert.Equal(NativeLibrary.TryLoad("libnccl.so.2", out _) ? "libnccl.so.2" : "libtorch_cuda.so", LoadElsewhere());
        Compile(source, Path.Combine(_folder, "libnccl.so.2"));
        Assert.Equal("libnccl.so.2", LoadElsewhere());
    }

    [Fact]
    public void A_library_that_lacks_a_function_is_no_nccl()
    {
        var source = Path.Combine(_folder, "empty.c");
        File.WriteAllText(source, "int ncclGetVersion(int *version) { *version = 1; return 0; }\n");
        var path = Path.Combine(_folder, "libempty.so");
        Compile(source, path);
        Assert.Contains("ncclGetUniqueId", Assert.Throws<DllNotFoundException>(() => NcclLibrary.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_arrive_as_they_were_meant()
    {
        var id = _nccl.GetUniqueId();
        Assert.Equal(Enumerable.Range(0, 128).Select(i => (byte)((i * 3) + 1)), id);
        id[127] = 0xAB; // not what the recorder made itself
        Assert.Equal(_communicator, _nccl.CreateCommunicator(7, id, 3));
        var sum = id.Aggregate(0u, (sum, value) => (sum * 31) + value);
        AssertCalls($"init ranks=7 rank=3 id={sum} size=40 magic=cafebeef version=21700 blocking=0 undefined=1 net=(nil)");

        const long Many = 0x12_3456_789A;
        var far = unchecked((nint)0x1_0000_0022);
        _nccl.AllReduce(0x11, far, Many, NcclType.Fp32, _communicator, 0x33);
        _nccl.ReduceScatter(0x11, 0x22, Many, NcclType.Bf16, _communicator, 0x33);
        _nccl.AllGather(0x11, 0x22, Many, NcclType.Bf16, _communicator, 0x33);
        _nccl.Broadcast(0x11, 0x22, Many, NcclType.Fp32, 5, _communicator, 0x33);
        _nccl.FinalizeCommunicator(_communicator);
        _nccl.Destroy(_communicator);
        _nccl.Abort(_communicator);
        AssertCalls(
            $"all-reduce send=0x11 receive=0x100000022 count={Many} type=7 argument=0 comm=1 stream=0x33",
            $"reduce-scatter send=0x11 receive=0x22 count={Many} type=9 argument=0 comm=1 stream=0x33",
            $"all-gather send=0x11 receive=0x22 count={Many} type=9 argument=-1 comm=1 stream=0x33",
            $"broadcast send=0x11 receive=0x22 count={Many} type=7 argument=5 comm=1 stream=0x33",
            "finalize 1",
            "destroy 1",
            "abort 1");
    }

    [Fact]
    public void Errors_are_told_in_nccl_s_words()
    {
        Push(7);
        Assert.False(_nccl.IsSettled(_communicator));
        Assert.True(_nccl.IsSettled(_communicator));
        Push(2);
        Assert.Contains("unhandled system error (the last words)", Assert.Throws<InvalidOperationException>(() => _nccl.IsSettled(_communicator)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_operation_waits_on_the_gpu_for_the_caller_s_work_and_the_caller_s_stream_for_it()
    {
        using var scope = NewDisposeScope();
        SetEvents(600); // nothing ends
        Push(7); // and the beginning takes two looks
        using var communicator = Begin(TimeSpan.FromSeconds(60));
        Take();
        var input = zeros(12, bfloat16);
        var output = input.narrow(0, 4, 4);
        var operation = communicator.ReduceScatter(input, output);
        var (sends, receives) = ((nint)TensorMemory.Address(input), (nint)TensorMemory.Address(output));
        AssertCalls(
            "event 0xe00 flags=2",
            "record 0xe00 on 0x70",
            "stream 0x5eed0000000beef waits for 0xe00 flags=0",
            "destroy event 0xe00",
            $"reduce-scatter send=0x{sends:x} receive=0x{receives:x} count=4 type=9 argument=0 comm=1 stream=0x5eed0000000beef",
            "event 0xe01 flags=2",
            "record 0xe01 on 0x5eed0000000beef");
        operation.Wait();
        AssertCalls("stream 0x70 waits for 0xe01 flags=0");
        SetEvents(0); // all ends
        Assert.True(SpinWait.SpinUntil(() => Take() == "destroy event 0xe01\n", Worlds.Patience));
        operation.Wait();
        AssertCalls();

        communicator.AllReduce(zeros(5)).Wait();
        communicator.AllGather(zeros(4), zeros(12)).Wait();
        communicator.Broadcast(zeros(5), 2).Wait();
        var calls = Take();
        Assert.Contains("count=5 type=7 argument=0 comm=1", calls, StringComparison.Ordinal);
        Assert.Contains("count=4 type=7 argument=-1 comm=1", calls, StringComparison.Ordinal);
        Assert.Contains("count=5 type=7 argument=2 comm=1", calls, StringComparison.Ordinal);
        communicator.Dispose();
        Assert.Matches("(?s)finalize 1\ndestroy 1\n(destroy event 0x\\w+\n)*destroy stream 0x5eed0000000beef\n$", Take());
        Assert.Throws<ArgumentException>(() => communicator.AllReduce(zeros(4, 4).t()));
    }

    [Fact]
    public void An_operation_that_does_not_end_is_aborted_and_told_of()
    {
        SetEvents(600);
        var failures = new PeerFailures();
        var told = new List<string>();
        failures.Reported += told.Add;
        using var communicator = Begin(TimeSpan.FromMilliseconds(200), failures);
        using var buffer = zeros(5);
        var operation = communicator.AllReduce(buffer);
        operation.Wait(); // the host does not wait
        Assert.True(SpinWait.SpinUntil(() => Take().Contains("abort 1", StringComparison.Ordinal), Worlds.Patience));
        var failure = Assert.Throws<CollectiveException>(() => communicator.AllReduce(buffer));
        Assert.Contains("all-reduce number 1 of group 4 (step 0, 20 bytes of Float32)", failure.Message, StringComparison.Ordinal);
        Assert.Contains("did not end within 0.2 s on rank 9", failure.Message, StringComparison.Ordinal);
        Assert.Throws<CollectiveException>(operation.Wait);
        Assert.Contains("all-reduce number 1", Assert.Single(told), StringComparison.Ordinal);
        communicator.Dispose();
        Assert.DoesNotContain("finalize", Take(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_rank_or_an_error_breaks_off_what_is_under_way()
    {
        SetEvents(600);
        var failures = new PeerFailures();
        using (var communicator = Begin(TimeSpan.FromSeconds(60), failures))
        {
            using var buffer = zeros(5);
            var operation = communicator.AllReduce(buffer);
            failures.Report("rank 3 is gone");
            Assert.True(SpinWait.SpinUntil(() => Take().Contains("abort 1", StringComparison.Ordinal), Worlds.Patience));
            Assert.Contains("rank 3 is gone", Assert.Throws<CollectiveException>(operation.Wait).Message, StringComparison.Ordinal);
        }

        using (var communicator = Begin(TimeSpan.FromSeconds(60)))
        {
            Push(2);
            Assert.True(SpinWait.SpinUntil(() => Take().Contains("abort 1", StringComparison.Ordinal), Worlds.Patience));
            using var buffer = zeros(5);
            Assert.Contains("the last words", Assert.Throws<CollectiveException>(() => communicator.AllReduce(buffer)).Message, StringComparison.Ordinal);
        }
    }

    private static void Compile(string source, string library)
    {
        try
        {
            using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source]) { RedirectStandardError = true })!;
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            Assert.True(gcc.ExitCode == 0, errors);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Fail($"this test needs gcc: {e.Message}");
        }
    }

    private NcclCommunicator Begin(TimeSpan timeout, PeerFailures? failures = null) => new(
        _nccl,
        new NcclStreams(_library, _library),
        DeviceType.CPU,
        4,
        [1, 9, 11],
        1,
        _nccl.GetUniqueId(),
        new CollectiveContext(timeout, failures ?? new PeerFailures(), new FlightRecorder(), null));

    /// <summary>Lets a process that finds libraries in the test's folder load NCCL.</summary>
    /// <returns>What it was loaded from.</returns>
    private string LoadElsewhere() => RankProcess.Run(RankProcess.LoadNccl, new() { ["LD_LIBRARY_PATH"] = _folder, [NcclLibrary.LibraryVariable] = "" });

    private void Push(int state) => ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(_library, "recorder_push_async_state"))(state);

    private void SetEvents(int result) => ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(_library, "recorder_set_event_result"))(result);

    private string Take()
    {
        var text = new byte[1 << 16];
        fixed (byte* destination = text)
        {
            ((delegate* unmanaged<byte*, int, void>)NativeLibrary.GetExport(_library, "recorder_take"))(destination, text.Length);
        }

        return Encoding.UTF8.GetString(text).TrimEnd('\0');
    }

    private void AssertCalls(params string[] expected) => Assert.Equal(expected, Take().Split('\n', StringSplitOptions.RemoveEmptyEntries));
}
