using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    /// <summary>CUDA's driver interface (<c>libcuda.so.1</c>), as far as streams and events go. Every function returns a <c>CUresult</c>.</summary>
    internal sealed unsafe class Cuda(nint library)
    {
        public const int Success = 0;
        public const int NotReady = 600;
        public const uint NonBlockingStream = 1;
        public const uint EventWithoutTiming = 2;

        public readonly delegate* unmanaged<nint*, int> GetCurrentContext = (delegate* unmanaged<nint*, int>)Export(library, "cuCtxGetCurrent");

        public readonly delegate* unmanaged<nint, int> SetCurrentContext = (delegate* unmanaged<nint, int>)Export(library, "cuCtxSetCurrent");

        /// <summary>(least, greatest).</summary>
        public readonly delegate* unmanaged<int*, int*, int> GetPriorityRange =
            (delegate* unmanaged<int*, int*, int>)Export(library, "cuCtxGetStreamPriorityRange");

        /// <summary>(stream, flags, priority).</summary>
        public readonly delegate* unmanaged<nint*, uint, int, int> StreamCreate =
            (delegate* unmanaged<nint*, uint, int, int>)Export(library, "cuStreamCreateWithPriority");

        public readonly delegate* unmanaged<nint, int> StreamDestroy = (delegate* unmanaged<nint, int>)Export(library, "cuStreamDestroy_v2");

        /// <summary>(stream, event, flags).</summary>
        public readonly delegate* unmanaged<nint, nint, uint, int> StreamWaitEvent =
            (delegate* unmanaged<nint, nint, uint, int>)Export(library, "cuStreamWaitEvent");

        /// <summary>(event, flags).</summary>
        public readonly delegate* unmanaged<nint*, uint, int> EventCreate = (delegate* unmanaged<nint*, uint, int>)Export(library, "cuEventCreate");

        public readonly delegate* unmanaged<nint, int> EventDestroy = (delegate* unmanaged<nint, int>)Export(library, "cuEventDestroy_v2");

        /// <summary>(event, stream).</summary>
        public readonly delegate* unmanaged<nint, nint, int> EventRecord = (delegate* unmanaged<nint, nint, int>)Export(library, "cuEventRecord");

        public readonly delegate* unmanaged<nint, int> EventQuery = (delegate* unmanaged<nint, int>)Export(library, "cuEventQuery");

        private static nint Export(nint library, string name) => NativeLibrary.GetExport(library, name);
    }
}
