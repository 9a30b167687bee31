using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    /// <summary>
    /// NCCL's C interface (<c>nccl.h</c> of 2.17 and later), looked up in a library that is only known at run time. Every function but
    /// those for error texts returns a <c>ncclResult_t</c>.
    /// </summary>
    internal sealed unsafe class Nccl(nint library)
    {
        public const int Success = 0;
        public const int InProgress = 7;

        public readonly delegate* unmanaged<int*, int> GetVersion = (delegate* unmanaged<int*, int>)Export(library, "ncclGetVersion");

        public readonly delegate* unmanaged<UniqueId*, int> GetUniqueId = (delegate* unmanaged<UniqueId*, int>)Export(library, "ncclGetUniqueId");

        /// <summary>(communicator, ranks, id by value, rank, configuration).</summary>
        public readonly delegate* unmanaged<nint*, int, UniqueId, int, Config*, int> CommInitRankConfig =
            (delegate* unmanaged<nint*, int, UniqueId, int, Config*, int>)Export(library, "ncclCommInitRankConfig");

        public readonly delegate* unmanaged<nint, int> CommFinalize = (delegate* unmanaged<nint, int>)Export(library, "ncclCommFinalize");

        public readonly delegate* unmanaged<nint, int> CommDestroy = (delegate* unmanaged<nint, int>)Export(library, "ncclCommDestroy");

        public readonly delegate* unmanaged<nint, int> CommAbort = (delegate* unmanaged<nint, int>)Export(library, "ncclCommAbort");

        public readonly delegate* unmanaged<nint, int*, int> CommGetAsyncError =
            (delegate* unmanaged<nint, int*, int>)Export(library, "ncclCommGetAsyncError");

        /// <summary>(result) → text; static memory.</summary>
        public readonly delegate* unmanaged<int, byte*> GetErrorString = (delegate* unmanaged<int, byte*>)Export(library, "ncclGetErrorString");

        /// <summary>(communicator or null) → text; static memory.</summary>
        public readonly delegate* unmanaged<nint, byte*> GetLastError = (delegate* unmanaged<nint, byte*>)Export(library, "ncclGetLastError");

        /// <summary>(send, receive, count, type, operation, communicator, stream).</summary>
        public readonly delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> AllReduce =
            (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)Export(library, "ncclAllReduce");

        /// <summary>(send, receive, count received, type, operation, communicator, stream).</summary>
        public readonly delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> ReduceScatter =
            (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)Export(library, "ncclReduceScatter");

        /// <summary>(send, receive, count sent, type, communicator, stream).</summary>
        public readonly delegate* unmanaged<void*, void*, nuint, int, nint, nint, int> AllGather =
            (delegate* unmanaged<void*, void*, nuint, int, nint, nint, int>)Export(library, "ncclAllGather");

        /// <summary>(send, receive, count, type, root, communicator, stream).</summary>
        public readonly delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> Broadcast =
            (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)Export(library, "ncclBroadcast");

        private static nint Export(nint library, string name) => NativeLibrary.GetExport(library, name);

        /// <summary><c>ncclUniqueId</c>: passed by value.</summary>
        [StructLayout(LayoutKind.Sequential, Size = NcclLibrary.UniqueIdLength)]
        public struct UniqueId
        {
            public fixed byte Bytes[NcclLibrary.UniqueIdLength];
        }

        /// <summary><c>ncclConfig_t</c> as of 2.17; later versions see from its size what it has not.</summary>
        [StructLayout(LayoutKind.Sequential)]
        public struct Config
        {
            private const int Undefined = int.MinValue;

            public nuint Size;
            public uint Magic;
            public uint Version;
            public int Blocking;
            public int ClusterSize;
            public int MinimumBlocks;
            public int MaximumBlocks;
            public nint NetworkName;

            /// <summary>No call blocks: a peer that is gone cannot hang this process.</summary>
            public static Config NonBlocking => new()
            {
                Size = (nuint)sizeof(Config),
                Magic = 0xCAFEBEEF,
                Version = 21700,
                Blocking = 0,
                ClusterSize = Undefined,
                MinimumBlocks = Undefined,
                MaximumBlocks = Undefined,
                NetworkName = 0,
            };
        }
    }
}
