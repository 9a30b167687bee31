using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    internal static partial class LibTorch
    {
        /// <summary>Address of a tensor's first element.</summary>
        [LibraryImport(Library, EntryPoint = "aoti_torch_get_data_ptr")]
        [SuppressGCTransition]
        public static partial int GetDataPointer(nint tensor, out nint pointer);

        /// <summary>
        /// Cuts [begin, end) into ranges of at least <paramref name="grain"/> and runs <paramref name="body"/> on libtorch's own OpenMP
        /// threads, so that managed kernels and libtorch's never compete for cores.
        /// </summary>
        [LibraryImport(Library, EntryPoint = "torch_parallel_for")]
        public static unsafe partial int ParallelFor(
            long begin, long end, long grain, delegate* unmanaged<long, long, void*, void> body, void* context);
    }
}
