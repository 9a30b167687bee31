using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

/// <summary>
/// CUDA streams and events for collectives, by the driver's interface: libtorch's C interface has no events. Not run on a GPU yet.
/// </summary>
/// <param name="driver">The driver's library.</param>
/// <param name="torch">libtorch's CUDA library.</param>
public sealed unsafe class NcclStreams(nint driver, nint torch)
{
    private const string DriverLibrary = "libcuda.so.1";
    private readonly Interop.Cuda _cuda = new(driver);
    private readonly Interop.LibTorchCuda _torch = new(torch);

    /// <summary>Loads driver and libtorch's CUDA library.</summary>
    /// <exception cref="DllNotFoundException">One of them is not there.</exception>
    public static NcclStreams Load() => new(
        NativeLibrary.Load(DriverLibrary), NativeLibrary.Load(Interop.LibTorchCuda.Library, typeof(NcclStreams).Assembly, null));

    /// <summary>The calling thread's CUDA context; other threads take it over with <see cref="UseContext"/>.</summary>
    public nint CurrentContext()
    {
        nint context;
        Check(_cuda.GetCurrentContext(&context), "cuCtxGetCurrent");
        return context;
    }

    /// <summary>Gives the calling thread a context.</summary>
    public void UseContext(nint context) => Check(_cuda.SetCurrentContext(context), "cuCtxSetCurrent");

    /// <summary>The stream that libtorch puts the calling thread's operators on.</summary>
    public nint CurrentStream()
    {
        nint stream;

        // Every process sees one device only.
        Interop.LibTorch.Check(_torch.GetCurrentStream(0, &stream), "aoti_torch_get_current_cuda_stream");
        return stream;
    }

    /// <summary>A stream of the highest priority: what it does lets others go on.</summary>
    public nint CreateStream()
    {
        int least;
        int greatest;
        Check(_cuda.GetPriorityRange(&least, &greatest), "cuCtxGetStreamPriorityRange");
        nint stream;
        Check(_cuda.StreamCreate(&stream, Interop.Cuda.NonBlockingStream, greatest), "cuStreamCreateWithPriority");
        return stream;
    }

    /// <summary>Frees a stream once it is through.</summary>
    public void DestroyStream(nint stream) => Check(_cuda.StreamDestroy(stream), "cuStreamDestroy");

    /// <summary>A new event at a stream's present end.</summary>
    public nint RecordEvent(nint stream)
    {
        nint recorded;
        Check(_cuda.EventCreate(&recorded, Interop.Cuda.EventWithoutTiming), "cuEventCreate");
        try
        {
            Check(_cuda.EventRecord(recorded, stream), "cuEventRecord");
            return recorded;
        }
        catch
        {
            DestroyEvent(recorded);
            throw;
        }
    }

    /// <summary>Lets what is put on a stream from now on wait for an event. The host does not.</summary>
    public void WaitFor(nint stream, nint recorded) => Check(_cuda.StreamWaitEvent(stream, recorded, 0), "cuStreamWaitEvent");

    /// <summary>Whether an event has happened.</summary>
    public bool HasHappened(nint recorded)
    {
        var result = _cuda.EventQuery(recorded);
        return result == Interop.Cuda.NotReady ? false : Check(result, "cuEventQuery");
    }

    /// <summary>Frees an event; streams that wait for it still do.</summary>
    public void DestroyEvent(nint recorded) => Check(_cuda.EventDestroy(recorded), "cuEventDestroy");

    private static bool Check(int result, string call) =>
        result == Interop.Cuda.Success ? true : throw new InvalidOperationException($"CUDA: {call} failed with error {result}");
}
