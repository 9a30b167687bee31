namespace VisualPriors.Operator.Runs;

/// <summary>Text and times as a status and an event hold them.</summary>
internal static class StatusText
{
    /// <summary>Kubernetes keeps 1024 characters of an event's message.</summary>
    private const int MaximumMessage = 1024;

    /// <summary>A message, cut where it is too long.</summary>
    public static string Bounded(string message) => message.Length <= MaximumMessage ? message : message[..(MaximumMessage - 1)] + "…";

    /// <summary>A time without its fraction of a second.</summary>
    public static DateTimeOffset Seconds(DateTimeOffset time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
}
