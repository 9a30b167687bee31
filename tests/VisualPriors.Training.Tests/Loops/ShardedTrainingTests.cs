using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests.Loops;

/// <summary>However training is shared out, it is the same training.</summary>
public sealed class ShardedTrainingTests
{
    private const int Steps = 50;
    private const int GlobalBatchSize = 8;
    private const double Tolerance = 1e-5;
    private static readonly Lazy<Trained> Reference = new(() => Train(1, 1, new ShardingSpec(), microBatchSize: 8)[0]);

    public static TheoryData<int, int, int, bool, int> Ways { get; } = new()
    {
        // ranks, ranks of a node, ZeRO stage, within the node, micro-batch
        { 2, 2, 0, false, 4 },
        { 2, 2, 1, false, 4 },
        { 2, 2, 2, false, 4 },
        { 2, 2, 3, false, 4 },
        { 2, 2, 0, false, 2 },
        { 2, 2, 1, false, 2 },
        { 2, 2, 2, false, 1 },
        { 2, 2, 3, false, 2 },
        { 4, 4, 0, false, 2 },
        { 4, 4, 1, false, 2 },
        { 4, 4, 2, false, 2 },
        { 4, 4, 3, false, 1 },
        { 4, 2, 1, true, 2 },
        { 4, 2, 2, true, 1 },
        { 4, 2, 3, true, 2 },
        { 1, 1, 3, false, 4 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void Losses_and_weights_are_those_of_one_process(int size, int localSize, int zeroStage, bool withinNode, int microBatchSize)
    {
        var sharding = new ShardingSpec { ZeroStage = zeroStage, WithinNode = withinNode };

        var ranks = Train(size, localSize, sharding, microBatchSize);

        Assert.All(ranks, rank => Assert.Equal(ranks[0].Losses, rank.Losses));
        Assert.Equal(Steps, ranks[0].Losses.Length);
        Assert.All(Reference.Value.Losses.Zip(ranks[0].Losses), pair => Assert.Equal(pair.First, pair.Second, Tolerance * pair.First));
        Assert.Equal(Reference.Value.Samples, ranks.SelectMany(rank => rank.Samples).Order());
        Assert.Equal(Reference.Value.Weights.Keys, ranks[0].Weights.Keys);
        Assert.All(Reference.Value.Weights, item => AssertClose(item.Value, ranks[0].Weights[item.Key]));
        Assert.All(ranks.Skip(1), rank => Assert.Empty(rank.Weights));
    }

    [Fact]
    public void Losses_fall_by_enough_to_mean_something()
    {
        Assert.True(Reference.Value.Losses[^1] < 0.8 * Reference.Value.Losses[0], string.Join(' ', Reference.Value.Losses));
    }

    [Fact]
    public void The_same_ranks_give_the_same_numbers_to_the_bit()
    {
        var sharding = new ShardingSpec { ZeroStage = 2 };
        var (first, second) = (Train(2, 2, sharding, 2)[0], Train(2, 2, sharding, 2)[0]);

        Assert.Equal(first.Losses, second.Losses);
        Assert.All(first.Weights, item => Assert.Equal(item.Value, second.Weights[item.Key]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_two_ranks_share_out_changes_no_bit(int zeroStage)
    {
        var whole = Train(2, 2, new ShardingSpec { ZeroStage = 0 }, 4)[0];
        var shared = Train(2, 2, new ShardingSpec { ZeroStage = zeroStage }, 4)[0];

        Assert.Equal(whole.Losses, shared.Losses);
        Assert.All(whole.Weights, item => Assert.Equal(item.Value, shared.Weights[item.Key]));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Recomputed_blocks_change_nothing_to_the_bit(ScalarType type)
    {
        var kept = Train(1, 1, new ShardingSpec(), 4, type)[0];
        var recomputed = Train(1, 1, new ShardingSpec(), 4, type, recomputes: true)[0];

        Assert.Equal(kept.Losses, recomputed.Losses);
    }

    private static Trained[] Train(
        int size, int localSize, ShardingSpec sharding, int microBatchSize, ScalarType type = ScalarType.Float32, bool recomputes = false) =>
        Ranks.Run(size, localSize, world => TrainOne(world, sharding, microBatchSize, type, recomputes || sharding.ZeroStage == 3));

    private static Trained TrainOne(World world, ShardingSpec sharding, int microBatchSize, ScalarType type, bool recomputes)
    {
        using var decoder = TinyModel.Decoder(type);
        using var optimizer = new ShardedAdamW([.. TrainedUnits.Of(decoder, "")], TinyModel.Optimizer, world, sharding);
        decoder.BlockExecution = new BlockExecutor(optimizer, recomputes).Run;
        var share = new RankShare(world.Rank, world.Size);
        var samples = new List<string>();
        var task = new TrainingTask
        {
            TotalSteps = Steps,
            Optimizer = TinyModel.Optimizer,
            Load = step =>
            {
                var all = TinyModel.TextBatches(step, GlobalBatchSize, microBatchSize: 1);
                return [.. share.Cut(GlobalBatchSize, microBatchSize).Select(micro =>
                {
                    samples.AddRange(Enumerable.Range(micro.First, micro.Count).Select(slot => $"{step:D3}-{slot:D3}"));
                    return Join([.. all.Skip(micro.First).Take(micro.Count)]);
                })];
            },
            SampleLosses = batch => PretrainStage.SampleLosses(decoder, batch),
        };
        using var loop = new TrainingLoop(task, optimizer, world, checkpointer: null, _ => { });
        var summary = loop.Run(CancellationToken.None);
        using var scope = NewDisposeScope();
        var weights = optimizer.GatherMasters(keep: world.Rank == 0)
            .ToDictionary(item => item.Name, item => item.Master.data<float>().ToArray(), StringComparer.Ordinal);
        return new Trained([.. summary.Lines.Select(line => line.Loss!.Value)], [.. samples.Order()], weights);
    }

    private static MicroBatch Join(MicroBatch[] samples) => samples[0] with
    {
        BatchSize = samples.Length,
        Inputs = [.. samples.SelectMany(sample => sample.Inputs)],
        Targets = [.. samples.SelectMany(sample => sample.Targets)],
        Sources = [.. samples.SelectMany(sample => sample.Sources)],
        SupervisedTokens = samples.Sum(sample => sample.SupervisedTokens),
        Tokens = samples.Sum(sample => sample.Tokens),
    };

    /// <summary>Adam divides by the gradient's own size, so that weights whose gradient is all rounding may differ by a step.</summary>
    private static void AssertClose(float[] expected, float[] found)
    {
        var difference = Math.Sqrt(expected.Zip(found).Sum(pair => Math.Pow(pair.First - pair.Second, 2)));
        var norm = Math.Sqrt(expected.Sum(value => Math.Pow(value, 2)));
        Assert.True(difference <= 1e-3 * norm, $"differs by {difference} of {norm}");
    }

    private sealed record Trained(double[] Losses, string[] Samples, Dictionary<string, float[]> Weights);
}
