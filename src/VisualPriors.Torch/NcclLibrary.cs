using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

/// <summary>
/// NVIDIA's collectives (NCCL 2.17 or later). Calls with this class never block: what is under way shows in <see cref="IsSettled"/>.
/// Written after its header and tested for how arguments are passed; NCCL itself has not been run with it yet.
/// </summary>
public sealed unsafe class NcclLibrary
{
    /// <summary>Length of an id that ranks of a communicator have in common.</summary>
    public const int UniqueIdLength = 128;

    /// <summary>Environment variable that names the library to use.</summary>
    public const string LibraryVariable = "NCCL_LIBRARY";

    private const string SystemLibrary = "libnccl.so.2";
    private readonly Interop.Nccl _functions;

    private NcclLibrary(string name, nint library)
    {
        Name = name;
        _functions = new Interop.Nccl(library);
    }

    /// <summary>What it was loaded from.</summary>
    public string Name { get; }

    /// <summary>Version: 22705 is 2.27.5.</summary>
    public int Version
    {
        get
        {
            int version;
            Check(_functions.GetVersion(&version), 0, "ncclGetVersion");
            return version;
        }
    }

    /// <summary>
    /// Loads NCCL: the library that NCCL_LIBRARY names (no other if that is set), else <c>libnccl.so.2</c>, else the copy inside <c>libtorch_cuda.so</c>.
    /// </summary>
    /// <exception cref="DllNotFoundException">There is none; says what was tried and what was wrong with it.</exception>
    public static NcclLibrary Load() => Load(Environment.GetEnvironmentVariable(LibraryVariable));

    /// <summary>The same, given the value of NCCL_LIBRARY.</summary>
    public static NcclLibrary Load(string? named)
    {
        var tried = new List<string>();
        foreach (var name in string.IsNullOrEmpty(named) ? (string[])[SystemLibrary, Interop.LibTorchCuda.Library] : [named])
        {
            try
            {
                return new NcclLibrary(name, NativeLibrary.Load(name, typeof(NcclLibrary).Assembly, null));
            }
            catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
            {
                tried.Add($"{name}: {e.Message.ReplaceLineEndings(" ").Trim()}");
            }
        }

        var origin = string.IsNullOrEmpty(named) ? $"{LibraryVariable} is not set" : $"{LibraryVariable} is set";
        throw new DllNotFoundException($"NCCL is not to be had ({origin}); tried {string.Join("; ", tried)}");
    }

    /// <summary>A new id, for one rank to make and all to have.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public byte[] GetUniqueId()
    {
        Interop.Nccl.UniqueId id;
        Check(_functions.GetUniqueId(&id), 0, "ncclGetUniqueId");
        return new ReadOnlySpan<byte>(id.Bytes, UniqueIdLength).ToArray();
    }

    /// <summary>Begins to make a communicator on the current device; it is of use once <see cref="IsSettled"/>.</summary>
    /// <param name="ranks">Ranks in the group.</param>
    /// <param name="uniqueId">The group's id.</param>
    /// <param name="rank">This rank's place in it.</param>
    /// <returns>The communicator.</returns>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public nint CreateCommunicator(int ranks, ReadOnlySpan<byte> uniqueId, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(uniqueId.Length, UniqueIdLength);
        Interop.Nccl.UniqueId id;
        uniqueId.CopyTo(new Span<byte>(id.Bytes, UniqueIdLength));
        var configuration = Interop.Nccl.Config.NonBlocking;
        nint communicator;
        Check(_functions.CommInitRankConfig(&communicator, ranks, id, rank, &configuration), 0, "ncclCommInitRankConfig");
        return communicator;
    }

    /// <summary>Whether the last call is through; the next one must wait for that.</summary>
    /// <exception cref="InvalidOperationException">The communicator is broken.</exception>
    public bool IsSettled(nint communicator)
    {
        int state;
        Check(_functions.CommGetAsyncError(communicator, &state), communicator, "ncclCommGetAsyncError");
        Check(state, communicator, "an operation");
        return state == Interop.Nccl.Success;
    }

    /// <summary>Sums over all ranks. Addresses of device memory; may be the same.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public void AllReduce(nint send, nint receive, long count, NcclType type, nint communicator, nint stream) =>
        Check(_functions.AllReduce((void*)send, (void*)receive, (nuint)count, (int)type, Sum, communicator, stream), communicator, "ncclAllReduce");

    /// <summary>Sums over all ranks, each gets its part of <paramref name="count"/> elements.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public void ReduceScatter(nint send, nint receive, long count, NcclType type, nint communicator, nint stream) =>
        Check(_functions.ReduceScatter((void*)send, (void*)receive, (nuint)count, (int)type, Sum, communicator, stream), communicator, "ncclReduceScatter");

    /// <summary>Puts everybody's <paramref name="count"/> elements together.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public void AllGather(nint send, nint receive, long count, NcclType type, nint communicator, nint stream) =>
        Check(_functions.AllGather((void*)send, (void*)receive, (nuint)count, (int)type, communicator, stream), communicator, "ncclAllGather");

    /// <summary>Copies one rank's elements to all.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public void Broadcast(nint send, nint receive, long count, NcclType type, int root, nint communicator, nint stream) =>
        Check(_functions.Broadcast((void*)send, (void*)receive, (nuint)count, (int)type, root, communicator, stream), communicator, "ncclBroadcast");

    /// <summary>Begins to end a communicator after what it has under way; <see cref="Destroy"/> follows once <see cref="IsSettled"/>.</summary>
    /// <exception cref="InvalidOperationException">NCCL refuses.</exception>
    public void FinalizeCommunicator(nint communicator) => Check(_functions.CommFinalize(communicator), communicator, "ncclCommFinalize");

    /// <summary>Frees a finalized communicator.</summary>
    public void Destroy(nint communicator) => Check(_functions.CommDestroy(communicator), 0, "ncclCommDestroy");

    /// <summary>Ends a communicator and what it has under way at once, and frees it. Nothing is to be done about an error here.</summary>
    public void Abort(nint communicator) => _ = _functions.CommAbort(communicator);

    private const int Sum = 0;

    private void Check(int result, nint communicator, string call)
    {
        if (result is not (Interop.Nccl.Success or Interop.Nccl.InProgress))
        {
            var text = Marshal.PtrToStringUTF8((nint)_functions.GetErrorString(result));
            var last = Marshal.PtrToStringUTF8((nint)_functions.GetLastError(communicator));
            throw new InvalidOperationException($"NCCL ({Name}): {call} failed: {text}{(string.IsNullOrEmpty(last) ? "" : $" ({last})")}");
        }
    }
}

/// <summary>Element types, by NCCL's numbers.</summary>
public enum NcclType
{
    /// <summary>fp32.</summary>
    Fp32 = 7,

    /// <summary>bf16.</summary>
    Bf16 = 9,
}
