namespace VisualPriors.Trainer.Launching;

/// <summary>Signals to other processes: .NET itself sends none but SIGKILL.</summary>
internal static class Signals
{
    /// <summary>Asks a process to end. One that has ended already is left alone.</summary>
    public static void Terminate(int processId) => _ = Interop.LibC.Kill(processId, Interop.LibC.SigTerm);
}
