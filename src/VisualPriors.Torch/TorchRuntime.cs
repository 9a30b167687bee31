using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>Settings of the whole process.</summary>
public static class TorchRuntime
{
    /// <summary>
    /// Prepares a program that trains on the CPU: sets libtorch's threads, and has freed memory kept for reuse. A training step allocates
    /// and frees the same hundreds of megabytes every time; handing them back to the kernel in between costs some 5 % of it.
    /// </summary>
    /// <param name="threads">CPU threads; 0 takes all cores.</param>
    public static void Configure(int threads)
    {
        set_num_threads(threads > 0 ? threads : Environment.ProcessorCount);
        _ = Interop.LibC.SetAllocatorOption(Interop.LibC.MmapThreshold, 1 << 30);
        _ = Interop.LibC.SetAllocatorOption(Interop.LibC.TrimThreshold, int.MaxValue);
    }
}
