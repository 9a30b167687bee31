using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    /// <summary>The GNU C library, which libtorch for Linux is built on.</summary>
    internal static partial class LibC
    {
        /// <summary>M_TRIM_THRESHOLD: free bytes at the heap's end above which they go back to the kernel.</summary>
        public const int TrimThreshold = -1;

        /// <summary>M_MMAP_THRESHOLD: bytes from which an allocation gets a mapping of its own.</summary>
        public const int MmapThreshold = -3;

        /// <summary>Returns 1, or 0 when the allocator does not take the value (older ones take no threshold above 32 MiB).</summary>
        [LibraryImport("libc", EntryPoint = "mallopt")]
        public static partial int SetAllocatorOption(int option, int value);
    }
}
