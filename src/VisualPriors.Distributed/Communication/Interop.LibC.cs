using System.Runtime.InteropServices;

namespace VisualPriors.Distributed.Communication;

/// <summary>Native entry points, one nested class per library.</summary>
internal static partial class Interop
{
    /// <summary>The C library. <c>poll</c> waits for several sockets at once without allocating.</summary>
    internal static partial class LibC
    {
        public const short Input = 1;
        public const short Output = 4;
        public const short ErrorOrHangUp = 8 | 16;

        /// <summary>Waits until a descriptor is ready or <paramref name="milliseconds"/> are over; negative descriptors are left out.</summary>
        /// <returns>How many are ready; -1 on an error such as an interruption by a signal.</returns>
        [LibraryImport("libc", EntryPoint = "poll")]
        public static unsafe partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
