using System.Runtime.InteropServices;

namespace VisualPriors.Trainer.Launching;

/// <summary>Functions of native libraries.</summary>
internal static partial class Interop
{
    /// <summary>The C library.</summary>
    internal static partial class LibC
    {
        public const int SigTerm = 15;

        [LibraryImport("libc", EntryPoint = "kill")]
        public static partial int Kill(int processId, int signal);
    }
}
