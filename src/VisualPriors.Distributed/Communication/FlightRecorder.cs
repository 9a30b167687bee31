namespace VisualPriors.Distributed.Communication;

/// <summary>The last collectives of this process, for the post-mortem of one that hangs.</summary>
public sealed class FlightRecorder
{
    /// <summary>The optimizer step that what follows belongs to, counted from 1; 0 before the first.</summary>
    public long Step { get; set; }
}
