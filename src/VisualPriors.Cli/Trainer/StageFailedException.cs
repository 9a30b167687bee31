namespace VisualPriors.Cli.Trainer;

/// <summary>A stage ended without its artifact.</summary>
internal sealed class StageFailedException(int exitCode, string message) : Exception(message)
{
    /// <summary>The exit code that goes with why.</summary>
    public int ExitCode { get; } = exitCode;
}
