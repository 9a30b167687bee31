using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Storage;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Checkpoints;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>What a stage is given: its plan, where its inputs lie, where its artifact goes, whom to tell.</summary>
public sealed record StageWork
{
    /// <summary>The plan.</summary>
    public required StagePlan Plan { get; init; }

    /// <summary>The ranks that carry the stage out.</summary>
    public required World World { get; init; }

    /// <summary>The artifact in the making: files are written into it; the caller commits it when the stage succeeds. Null on all ranks but 0.</summary>
    public required ArtifactWriter? Output { get; init; }

    /// <summary>Saves and restores; null for a stage that has nothing to save before its end.</summary>
    public Checkpointer? Checkpointer { get; init; }

    /// <summary>Where models live: the rank's own GPU, or the CPU.</summary>
    public required Device Device { get; init; }

    /// <summary>Told how far the stage is; may be called often, the receiver thins out.</summary>
    public required Action<ProgressReport> Report { get; init; }

    /// <summary>The input artifact of a role (see <see cref="StageInputs"/>), opened.</summary>
    public Artifact Input(string role, params ReadOnlySpan<string> kinds) => Artifact.Open(Plan.Placement.Inputs[role], kinds);

    /// <summary>The optimizer that shares its state out as the plan says.</summary>
    internal ShardedAdamW CreateOptimizer(IEnumerable<ParameterUnit> units, OptimizerSpec settings) =>
        new([.. units], settings, World, Plan.Placement.Compute.Sharding);

    /// <summary>Runs a decoder's blocks through an optimizer, which has their parameters, with activation checkpointing where the plan asks for it.</summary>
    internal void RunBlocksThrough(ShardedAdamW optimizer, Decoder decoder)
    {
        var compute = Plan.Placement.Compute;
        decoder.BlockExecution = new BlockExecutor(optimizer, compute.ActivationCheckpointing || compute.Sharding.ZeroStage >= 3).Run;
    }

    /// <summary>This rank's part of every global batch.</summary>
    internal RankShare Share => new(World.Rank, World.Size);

    /// <summary>Runs a training task and writes <c>metrics.jsonl</c> into the artifact.</summary>
    internal TrainingSummary Train(TrainingTask task, ShardedAdamW optimizer, CancellationToken stop)
    {
        using var loop = new TrainingLoop(task, optimizer, World, Checkpointer, Report);
        var summary = loop.Run(stop);
        if (Output is not null)
        {
            File.WriteAllBytes(Output.PathOf(MetricsLog.FileName), loop.Log.ToBytes());
        }

        return summary;
    }

    /// <summary>Writes a decoder and its tokenizer into the artifact.</summary>
    internal static void SaveLanguageModel(
        ArtifactWriter output, DecoderConfiguration configuration, IEnumerable<(string Name, Tensor Value)> weights, string tokenizerPath)
    {
        var tokenizer = output.PathOf($"{StageFolders.LanguageModel}/{StageFolders.TokenizerFile}");
        File.Copy(tokenizerPath, tokenizer);
        DecoderFolder.Save(configuration, weights, Path.GetDirectoryName(tokenizer)!);
    }

    /// <summary>Writes a projector into the artifact.</summary>
    internal static void SaveProjector(ArtifactWriter output, Projector projector, IEnumerable<(string Name, Tensor Value)> weights)
    {
        var directory = output.PathOf(StageFolders.Projector);
        Directory.CreateDirectory(directory);
        projector.Save(weights, directory);
    }
}
