using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Resources;

/// <summary>When a training run saves its state, and what it keeps. Changes nothing of the result.</summary>
public sealed record CheckpointSpec
{
    /// <summary>Optimizer steps between checkpoints; 0 saves only when stopped.</summary>
    [Minimum(0)]
    public int EverySteps { get; init; } = 500;

    /// <summary>Newest checkpoints kept.</summary>
    [Minimum(1)]
    public int KeepLast { get; init; } = 2;

    /// <summary>Keep, besides, every checkpoint at a multiple of these steps; 0 keeps none.</summary>
    [Minimum(0)]
    public long KeepEverySteps { get; init; }
}
