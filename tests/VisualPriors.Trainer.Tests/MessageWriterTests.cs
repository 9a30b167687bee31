using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Tests;

public sealed class MessageWriterTests : IDisposable
{
    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Progress_in_a_rush_is_thinned_out_but_never_a_new_phase_or_the_end()
    {
        var writer = new MessageWriter(_output);

        writer.Progress(At("training", 1));
        writer.Progress(At("training", 2));
        writer.Progress(At("training", 3));
        writer.Progress(At("validating", 3));
        writer.Progress(At("training", 4));
        writer.Progress(At("training", 5));
        writer.Progress(At("training", 100));

        Assert.Equal(
            [("training", 1), ("validating", 3), ("training", 4), ("training", 100)],
            Messages().Select(message => (message.Progress!.Phase, message.Progress.Step)));
    }

    [Fact]
    public void The_outcome_is_one_line_that_the_contract_reads()
    {
        var outcome = new StageOutcome { Result = StageResult.Diverged, Message = "not finite\nat step 3", Seconds = 1.5 };

        new MessageWriter(_output).Outcome(outcome);

        Assert.Equal(outcome, Assert.Single(Messages()).Outcome);
    }

    private static ProgressReport At(string phase, long step) => new() { Phase = phase, Step = step, TotalSteps = 100 };

    private IEnumerable<TrainerMessage> Messages() =>
        _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            Assert.True(PlanJson.TryReadLine(line, out var message), line);
            return message;
        });
}
