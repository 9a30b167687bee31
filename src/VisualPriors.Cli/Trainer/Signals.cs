using System.Runtime.InteropServices;

namespace VisualPriors.Cli.Trainer;

/// <summary>Signals to other processes: .NET itself sends none but SIGKILL.</summary>
internal static partial class Signals
{
    private const int SigTerm = 15;

    /// <summary>Asks a process to end. One that has ended already is left alone.</summary>
    public static void Terminate(int processId) => _ = Kill(processId, SigTerm);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
