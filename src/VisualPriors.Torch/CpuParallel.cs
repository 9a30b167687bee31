using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

/// <summary>Runs managed kernels on libtorch's own OpenMP threads, so that the two never compete for cores.</summary>
public static unsafe class CpuParallel
{
    /// <summary>Works on the items from <paramref name="begin"/> to <paramref name="end"/> - 1.</summary>
    public delegate void Range(long begin, long end);

    /// <summary>Cuts 0..count into ranges of at least <paramref name="grain"/> items, one per thread at most, and runs them all.</summary>
    /// <param name="count">Number of items.</param>
    /// <param name="grain">Fewest items worth a thread.</param>
    /// <param name="body">Called once a range, at once on several threads. Must not throw.</param>
    public static void For(long count, long grain, Range body)
    {
        var handle = GCHandle.Alloc(body);
        try
        {
            Interop.LibTorch.Check(
                Interop.LibTorch.ParallelFor(0, count, grain, &Invoke, (void*)GCHandle.ToIntPtr(handle)), "torch_parallel_for");
        }
        finally
        {
            handle.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static void Invoke(long begin, long end, void* context) => ((Range)GCHandle.FromIntPtr((nint)context).Target!)(begin, end);
}
