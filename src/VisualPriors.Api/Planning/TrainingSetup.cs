using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Planning;

/// <summary>All of a training run that decides its memory and its speed.</summary>
public sealed record TrainingSetup
{
    /// <summary>The decoder's shape.</summary>
    public required DecoderDimensions Model { get; init; }

    /// <summary>Rows of its embedding and head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Positions of a sequence.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Sequences of one forward and backward pass of one process.</summary>
    public required int MicroBatchSize { get; init; }

    /// <summary>Machines, processes and what they share out.</summary>
    public required ComputeSpec Compute { get; init; }

    /// <summary>What is trained.</summary>
    public required TrainedParts Trains { get; init; }

    /// <summary>Whether blocks are computed again in the backward pass: asked for, or implied by ZeRO stage 3.</summary>
    public bool Recomputes => Compute.ActivationCheckpointing || Compute.Sharding.ZeroStage == 3;

    /// <summary>Processes that hold one copy of the optimizer state together.</summary>
    public int Shards => Compute.Sharding switch
    {
        { ZeroStage: 0 } => 1,
        { WithinNode: true } => Compute.LocalSize,
        _ => Compute.WorldSize,
    };
}

/// <summary>What a stage trains.</summary>
public enum TrainedParts
{
    /// <summary>A decoder alone: pre-training.</summary>
    Decoder,

    /// <summary>A projector between a frozen vision encoder and a frozen decoder: alignment.</summary>
    Projector,

    /// <summary>Projector and decoder after a frozen vision encoder: instruction tuning.</summary>
    ProjectorAndDecoder,
}
