using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Checkpoints;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests.Checkpoints;

/// <summary>A short training that saves into a folder, on any number of ranks, and can be made to go wrong.</summary>
internal sealed record CheckpointedTraining(string Folder)
{
    public const string StageDigest = "5e1f";
    public const int GlobalBatchSize = 4;

    public int Ranks { get; init; } = 1;

    public int LocalSize { get; init; } = 1;

    public ShardingSpec Sharding { get; init; } = new();

    public CheckpointSpec Policy { get; init; } = new() { EverySteps = 5 };

    public LossProtectionSpec Protection { get; init; } = new();

    public int Steps { get; init; } = 24;

    /// <summary>Step (of this attempt, from 1) whose loss computation throws, as a crash would; 0 for none.</summary>
    public int CrashAt { get; init; }

    /// <summary>Asks this rank to stop before a step; 0 for never.</summary>
    public (int Rank, int Step) StopAt { get; init; }

    /// <summary>What a batch's losses are multiplied by, by the number of the global batch.</summary>
    public Func<long, float> Factor { get; init; } = _ => 1;

    /// <summary>Trains from the last checkpoint; gives every rank's view.</summary>
    public Outcome[] Run() => Tests.Ranks.Run(Ranks, LocalSize, RunRank);

    private Outcome RunRank(World world)
    {
        var warnings = new List<string>();
        var placement = new CheckpointPlacement { Address = new Uri(Folder).AbsoluteUri, Policy = Policy };
        using var checkpointer = Checkpointer.Open(placement, StageDigest, world, attempt: null, warnings.Add, CancellationToken.None);
        using var decoder = TinyModel.Decoder();
        using var optimizer = new ShardedAdamW([.. TrainedUnits.Of(decoder, "")], TinyModel.Optimizer, world, Sharding);
        decoder.BlockExecution = new BlockExecutor(optimizer, recomputes: Sharding.ZeroStage == 3).Run;
        using var stop = new CancellationTokenSource();
        var share = new RankShare(world.Rank, world.Size);
        var loaded = new List<long>();
        var calls = 0;
        var batchOf = new Dictionary<MicroBatch, long>(ReferenceEqualityComparer.Instance);
        var task = new TrainingTask
        {
            TotalSteps = Steps,
            Optimizer = TinyModel.Optimizer,
            LossProtection = Protection,
            Load = batch =>
            {
                loaded.Add(batch);
                var first = share.Cut(GlobalBatchSize, null).Single();
                var mine = TinyModel.TextBatches(batch, GlobalBatchSize, first.Count)[first.First / first.Count];
                lock (batchOf)
                {
                    batchOf[mine] = batch;
                }

                return [mine];
            },
            SampleLosses = batch =>
            {
                calls++;
                if (calls == CrashAt)
                {
                    throw new IOException("the machine is gone");
                }

                if (StopAt == (world.Rank, calls))
                {
                    stop.Cancel();
                }

                lock (batchOf)
                {
                    return PretrainStage.SampleLosses(decoder, batch) * tensor(Factor(batchOf[batch]));
                }
            },
        };
        using var loop = new TrainingLoop(task, optimizer, world, checkpointer, _ => { });
        string? interrupted = null;
        TrainingSummary? summary = null;
        try
        {
            summary = loop.Run(stop.Token);
        }
        catch (TrainingInterruptedException e)
        {
            interrupted = e.Message;
        }

        using var scope = NewDisposeScope();
        var weights = interrupted is null
            ? optimizer.GatherMasters(keep: true).ToDictionary(item => item.Name, item => item.Master.data<float>().ToArray(), StringComparer.Ordinal)
            : [];
        return new Outcome([.. loop.Log.Lines], weights, interrupted, summary, loaded, checkpointer.LastStep, warnings);
    }

    internal sealed record Outcome(
        IReadOnlyList<MetricsLine> Lines,
        Dictionary<string, float[]> Weights,
        string? Interrupted,
        TrainingSummary? Summary,
        IReadOnlyList<long> Loaded,
        long? LastCheckpoint,
        IReadOnlyList<string> Warnings)
    {
        public double[] Losses => [.. Lines.Where(line => line.Loss is not null).Select(line => line.Loss!.Value)];
    }
}
