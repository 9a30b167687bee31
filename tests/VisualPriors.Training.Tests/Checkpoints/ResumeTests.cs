using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;

namespace VisualPriors.Training.Tests.Checkpoints;

public sealed class ResumeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-resume-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    public void A_crash_and_a_second_attempt_give_the_uninterrupted_run_to_the_bit(int ranks, int zeroStage)
    {
        var training = Training("whole") with { Ranks = ranks, LocalSize = ranks, Sharding = new ShardingSpec { ZeroStage = zeroStage } };
        var whole = training.Run()[0];
        var crashing = training with { Folder = FolderOf("crash"), CrashAt = 13 };

        Assert.Throws<IOException>(crashing.Run);
        var resumed = (crashing with { CrashAt = 0 }).Run()[0];

        AssertSame(whole, resumed);
        Assert.Equal(10, resumed.Loaded[0]);
    }

    [Theory]
    [InlineData(1, 1, 0, false, 2, 2, 3, false)]
    [InlineData(2, 2, 3, false, 1, 1, 0, false)]
    [InlineData(2, 2, 1, false, 4, 4, 2, false)]
    [InlineData(4, 4, 2, false, 2, 2, 0, false)]
    [InlineData(4, 2, 1, true, 2, 1, 1, false)]
    [InlineData(2, 2, 0, false, 4, 2, 3, true)]
    public void Other_ranks_and_other_sharding_go_on_with_the_same_training(
        int ranks, int localSize, int zeroStage, bool withinNode, int laterRanks, int laterLocalSize, int laterZeroStage, bool laterWithinNode)
    {
        var whole = Training("whole").Run()[0];
        var first = Training("moved") with
        {
            Ranks = ranks,
            LocalSize = localSize,
            Sharding = new ShardingSpec { ZeroStage = zeroStage, WithinNode = withinNode },
            CrashAt = 13,
        };
        Assert.Throws<IOException>(first.Run);

        var resumed = (first with
        {
            Ranks = laterRanks,
            LocalSize = laterLocalSize,
            Sharding = new ShardingSpec { ZeroStage = laterZeroStage, WithinNode = laterWithinNode },
            CrashAt = 0,
        }).Run();

        Assert.All(resumed, rank => Assert.Equal(10, rank.Loaded[0]));
        Assert.Equal(whole.Losses.Length, resumed[0].Losses.Length);
        Assert.All(whole.Losses.Zip(resumed[0].Losses), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public void A_request_to_stop_on_any_rank_saves_the_same_step_on_all_and_goes_on_from_there(int ranks, int asked)
    {
        var training = Training("whole") with { Ranks = ranks, LocalSize = ranks };
        var whole = training.Run()[0];
        var stopping = training with { Folder = FolderOf("stop"), Policy = new CheckpointSpec { EverySteps = 0 }, StopAt = (asked, 8) };

        var stopped = stopping.Run();
        var resumed = (stopping with { StopAt = default }).Run()[0];

        Assert.All(stopped, rank => Assert.Equal("stopped on request after step 8; its checkpoint is saved", rank.Interrupted));
        Assert.All(stopped, rank => Assert.Equal(8, rank.LastCheckpoint));
        AssertSame(whole, resumed);
    }

    [Fact]
    public void A_flipped_byte_ends_the_attempt_and_names_the_part()
    {
        var training = Training("flip") with { CrashAt = 8 };
        Assert.Throws<IOException>(training.Run);
        var part = Directory.GetFiles(_folder, "state-*", SearchOption.AllDirectories).Single();
        var bytes = File.ReadAllBytes(part);
        bytes[^5] ^= 1;
        File.WriteAllBytes(part, bytes);

        var error = Assert.Throws<InvalidInputException>((training with { CrashAt = 0 }).Run);

        Assert.Contains("state-00000-of-00001.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void State_of_another_model_is_refused()
    {
        var training = Training("other") with { CrashAt = 8 };
        Assert.Throws<IOException>(training.Run);
        var layout = Directory.GetFiles(_folder, "layout.json", SearchOption.AllDirectories).Single();
        Assert.Contains("\"blocks.1\"", File.ReadAllText(layout), StringComparison.Ordinal);
        File.WriteAllText(layout, File.ReadAllText(layout).Replace("\"blocks.1\"", "\"blocks.7\"", StringComparison.Ordinal));

        // Found by its hash already: nobody can have changed a layout unnoticed.
        Assert.Contains("layout.json", Assert.Throws<InvalidInputException>((training with { CrashAt = 0 }).Run).Message, StringComparison.Ordinal);
    }

    private CheckpointedTraining Training(string name) => new(FolderOf(name));

    private string FolderOf(string name) => Path.Combine(_folder, name);

    private static void AssertSame(CheckpointedTraining.Outcome expected, CheckpointedTraining.Outcome found)
    {
        Assert.Equal(expected.Lines, found.Lines);
        Assert.Equal(expected.Weights.Keys, found.Weights.Keys);
        Assert.All(expected.Weights, item => Assert.Equal(item.Value, found.Weights[item.Key]));
    }
}
