using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    /// <summary>The part of libtorch's C interface that only <c>libtorch_cuda.so</c> has.</summary>
    internal sealed unsafe class LibTorchCuda(nint library)
    {
        public const string Library = "libtorch_cuda.so";

        /// <summary>(device, stream): the stream that operators of the calling thread are put on.</summary>
        public readonly delegate* unmanaged<int, nint*, int> GetCurrentStream =
            (delegate* unmanaged<int, nint*, int>)NativeLibrary.GetExport(library, "aoti_torch_get_current_cuda_stream");
    }
}
