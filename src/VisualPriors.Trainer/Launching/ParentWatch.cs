namespace VisualPriors.Trainer.Launching;

/// <summary>
/// Notices that the process which started this one is gone, however it went: it held the other end of standard input open. Without this,
/// kill -9 of a parent would leave its children running.
/// </summary>
internal static class ParentWatch
{
    /// <summary>Watches, if the parent said that it holds the pipe; ends with the process.</summary>
    /// <param name="environment">Looks environment variables up.</param>
    /// <param name="input">Standard input; what is written there is ignored.</param>
    /// <param name="onGone">Called once, on a thread of its own, when the parent is gone.</param>
    public static void Start(Func<string, string?> environment, Stream input, Action onGone)
    {
        if (environment(TrainerEnvironment.ParentPipe) == "1")
        {
            new Thread(() => Watch(input, onGone)) { IsBackground = true, Name = nameof(ParentWatch) }.Start();
        }
    }

    private static void Watch(Stream input, Action onGone)
    {
        Span<byte> buffer = stackalloc byte[256];
        try
        {
            while (input.Read(buffer) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A pipe that cannot be read any more has no one at its other end, either.
        }

        onGone();
    }
}
