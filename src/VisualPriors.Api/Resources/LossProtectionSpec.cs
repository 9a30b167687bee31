using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>What training does about losses that go wrong.</summary>
public sealed record LossProtectionSpec
{
    /// <summary>
    /// Updates in a row that may be left out because a loss or gradient was not finite; one more ends the run as diverged. 0 ends it at the
    /// first (default, INFERRED: 4, one bad patch of data).
    /// </summary>
    [Minimum(0)]
    public int MaximumSkippedSteps { get; init; } = 4;

    /// <summary>
    /// A loss this many standard deviations above the mean of the last <see cref="Window"/> steps is a spike: training goes back to the last
    /// checkpoint and leaves the batches since out. 0 turns this off (default; OLMo-core skips at 6).
    /// </summary>
    [Minimum(0)]
    public double SpikeDeviations { get; init; }

    /// <summary>Steps that a spike is measured against (OLMo-core: 128).</summary>
    [Minimum(2)]
    [Maximum(1 << 20)]
    public int Window { get; init; } = 128;

    /// <summary>Times a run may go back; one more spike ends it as diverged (INFERRED: 3).</summary>
    [Minimum(0)]
    public int MaximumRollbacks { get; init; } = 3;
}
