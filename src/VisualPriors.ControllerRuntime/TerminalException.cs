namespace VisualPriors.ControllerRuntime;

/// <summary>Trying again would not help: the object is left alone until something that its controller watches changes.</summary>
public sealed class TerminalException : Exception
{
    /// <summary>With what is wrong.</summary>
    public TerminalException(string message)
        : base(message)
    {
    }

    /// <summary>With what is wrong and what caused it.</summary>
    public TerminalException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
