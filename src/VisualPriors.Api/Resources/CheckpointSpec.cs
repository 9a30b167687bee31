namespace VisualPriors.Api.Resources;

/// <summary>When a training run saves its state, and what it keeps. Changes nothing of the result.</summary>
public sealed record CheckpointSpec
{
    /// <summary>Optimizer steps between checkpoints; 0 saves only when stopped.</summary>
    public int EverySteps { get; init; } = 500;

    /// <summary>Newest checkpoints kept.</summary>
    public int KeepLast { get; init; } = 2;

    /// <summary>Keep, besides, every checkpoint at a multiple of these steps; 0 keeps none.</summary>
    public long KeepEverySteps { get; init; }
}
