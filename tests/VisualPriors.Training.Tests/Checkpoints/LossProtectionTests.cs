using VisualPriors.Api.Resources;
using VisualPriors.Training.Loops;

namespace VisualPriors.Training.Tests.Checkpoints;

public sealed class LossProtectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-protection-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 3)]
    public void An_update_that_is_not_finite_is_left_out_on_every_rank_and_counted(int ranks, int zeroStage)
    {
        var training = Training() with
        {
            Ranks = ranks,
            LocalSize = ranks,
            Sharding = new ShardingSpec { ZeroStage = zeroStage },
            Factor = batch => batch is 7 or 8 ? float.NaN : 1,
        };

        var outcomes = training.Run();

        Assert.All(outcomes, rank =>
        {
            Assert.Equal(2, rank.Summary!.SkippedSteps);
            Assert.Equal([8, 9], rank.Lines.Where(line => line.Skipped == true).Select(line => line.Step));
            Assert.All(rank.Lines.Where(line => line.Skipped == true), line => Assert.Null(line.Loss));
            Assert.All(rank.Weights.Values.SelectMany(values => values), value => Assert.True(float.IsFinite(value)));
        });
        Assert.Contains("source-0", outcomes[0].Lines.First(line => line.Skipped == true).SkippedSource, StringComparison.Ordinal);
    }

    [Fact]
    public void Skipped_updates_do_not_disturb_resuming()
    {
        var training = Training() with { Factor = batch => batch == 7 ? float.NaN : 1 };
        var whole = training.Run()[0];
        var crashing = training with { Folder = Path.Combine(_folder, "crash"), CrashAt = 13 };
        Assert.Throws<IOException>(crashing.Run);

        var resumed = (crashing with { CrashAt = 0 }).Run()[0];

        Assert.Equal(whole.Lines, resumed.Lines);
        Assert.All(whole.Weights, item => Assert.Equal(item.Value, resumed.Weights[item.Key]));
        Assert.Equal(1, resumed.Summary!.SkippedSteps);
    }

    [Fact]
    public void More_skipped_updates_in_a_row_than_allowed_end_the_run_with_the_first_step_and_source_named()
    {
        var training = Training() with { Protection = new LossProtectionSpec { MaximumSkippedSteps = 2 }, Factor = batch => batch >= 6 ? float.NaN : 1 };

        var error = Assert.Throws<TrainingDivergedException>(training.Run);

        Assert.Equal(7, error.Step);
        Assert.StartsWith("the loss is not finite at step 7, in samples from source-0", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_spike_takes_training_back_to_the_last_checkpoint_and_leaves_its_batches_out(int ranks)
    {
        var training = Training() with
        {
            Ranks = ranks,
            LocalSize = ranks,
            Protection = new LossProtectionSpec { SpikeDeviations = 6, Window = 8 },
            Factor = batch => batch == 12 ? 100 : 1,
        };

        var outcomes = training.Run();

        Assert.All(outcomes, rank =>
        {
            Assert.Equal(1, rank.Summary!.Rollbacks);
            var back = Assert.Single(rank.Lines, line => line.RolledBackFrom is not null);
            Assert.Equal((10, 13), (back.Step, back.RolledBackFrom));
            // Steps go on after 10, each once, with batches after the spike's.
            Assert.Equal(Enumerable.Range(1, 24).Select(step => (long)step), rank.Lines.Where(line => line.Loss is not null).Select(line => line.Step));
            Assert.All(rank.Losses, loss => Assert.True(loss < 10));
        });
        Assert.Equal(outcomes[0].Lines, outcomes[^1].Lines);
    }

    [Fact]
    public void Spikes_without_end_end_the_run()
    {
        var training = Training() with
        {
            Protection = new LossProtectionSpec { SpikeDeviations = 6, Window = 8, MaximumRollbacks = 2 },
            Factor = batch => batch >= 12 ? 100 + batch : 1,
        };

        Assert.Contains("after 2 rollbacks", Assert.Throws<TrainingDivergedException>(training.Run).Message, StringComparison.Ordinal);
    }

    private CheckpointedTraining Training() => new(Path.Combine(_folder, "training"));
}
