using System.Text.Json.Nodes;
using VisualPriors.Api.Resources;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Training.Tests.Loops;

public sealed class TrainingLoopTests
{
    private const int Steps = 8;

    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    [InlineData(1)]
    public void How_a_global_batch_is_cut_does_not_matter(int microBatchSize)
    {
        var whole = Losses(Train(microBatchSize: 8));
        var cut = Losses(Train(microBatchSize));

        Assert.Equal(Steps, whole.Length);
        Assert.All(whole.Zip(cut), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_same_run_gives_the_same_numbers_to_the_bit(ScalarType dtype)
    {
        Assert.Equal(Train(microBatchSize: 4, dtype), Train(microBatchSize: 4, dtype));
    }

    [Fact]
    public void Losses_fall()
    {
        var losses = Losses(Train(microBatchSize: 8));

        Assert.True(losses[^1] < losses[0], string.Join(' ', losses));
    }

    [Fact]
    public void A_loss_that_is_not_finite_names_step_and_source_and_changes_no_weight()
    {
        using var decoder = TinyModel.Decoder();
        using var optimizer = TinyModel.AdamW(TrainedUnits.Of(decoder, ""));
        Dictionary<string, float[]>? before = null;
        Dictionary<string, float[]>? after = null;
        var task = Task(decoder, microBatchSize: 2) with
        {
            LossProtection = new LossProtectionSpec { MaximumSkippedSteps = 0 },
            // Sample 5 of step 3 is poisoned; the loop reads losses only after more steps have been queued.
            SampleLosses = batch =>
            {
                var losses = PretrainStage.SampleLosses(decoder, batch);
                if (batch.Inputs[0] == 2 + 4 && batch.Sources[0] == "source-4")
                {
                    before = TinyModel.Weights(decoder);
                    return losses * tensor(new[] { 1, float.NaN });
                }

                after ??= before is not null && batch.Sources[0] == "source-0" ? TinyModel.Weights(decoder) : null;
                return losses;
            },
        };

        var error = Assert.Throws<TrainingDivergedException>(() => TinyModel.Run(task, optimizer));

        Assert.Equal((3, "source-5"), (error.Step, error.SampleSource));
        Assert.Contains("step 3", error.Message, StringComparison.Ordinal);
        Assert.NotNull(after);
        Assert.Equal(before, after);
    }

    [Fact]
    public void Validations_stand_in_the_log_where_they_were_taken()
    {
        using var decoder = TinyModel.Decoder();
        using var optimizer = TinyModel.AdamW(TrainedUnits.Of(decoder, ""));
        var task = Task(decoder, microBatchSize: 8) with
        {
            IsValidationDue = step => step is 0 or 3 or Steps,
            Validate = () => new ValidationResult(1, new Dictionary<string, double>()),
        };

        var lines = TinyModel.Run(task, optimizer).Select(line => JsonNode.Parse(line)!).ToList();

        Assert.Equal(
            [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8], lines.Select(line => (int)line["step"]!));
        Assert.Equal([0, 4, 10], Enumerable.Range(0, lines.Count).Where(i => lines[i]["validationLoss"] is not null));
    }

    private static string[] Train(int microBatchSize, ScalarType dtype = ScalarType.Float32)
    {
        using var decoder = TinyModel.Decoder(dtype);
        using var optimizer = TinyModel.AdamW(TrainedUnits.Of(decoder, ""));
        return TinyModel.Run(Task(decoder, microBatchSize), optimizer);
    }

    private static TrainingTask Task(Models.Decoder decoder, int microBatchSize) => new()
    {
        TotalSteps = Steps,
        Optimizer = TinyModel.Optimizer,
        Load = step => TinyModel.TextBatches(step, globalBatchSize: 8, microBatchSize),
        SampleLosses = batch => PretrainStage.SampleLosses(decoder, batch),
    };

    private static double[] Losses(string[] lines) => [.. lines.Select(line => (double)JsonNode.Parse(line)!["loss"]!)];
}
