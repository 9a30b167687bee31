using System.Text;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Api.Tests.Plans;

/// <summary>What a launcher leaves for its operator, and posts to it.</summary>
public sealed class OutcomeMessageTests
{
    private const int Limit = TrainerContract.TerminationMessageBytes;

    [Theory]
    [InlineData("short")]
    [InlineData("Der Zug hält an — naïve 損失 is NaN")]
    [InlineData("quotes \" \\ and\nlines")]
    public void An_outcome_that_fits_is_read_as_it_was_written(string message)
    {
        var outcome = Outcome(message, new Dictionary<string, double> { ["finalLoss"] = double.NaN, ["tokens"] = 1e9 });

        var text = PlanJson.WriteOutcome(outcome, Limit);

        Assert.DoesNotContain('\n', text);
        Assert.True(PlanJson.TryReadOutcome(text, out var read));
        Assert.Equal((message, message, 2, StageResult.Failed), (read.Message, read.Failure!.Message, read.Failure.Rank, read.Result));
        Assert.Equal(outcome.Results, read.Results);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("é")]
    [InlineData("損")]
    [InlineData("🐘")]
    [InlineData("\u0001")]
    [InlineData("\"")]
    public void Long_texts_lose_their_middle_and_no_more_than_they_must(string letter)
    {
        var message = $"rank 3: {string.Concat(Enumerable.Repeat(letter, 20_000))} out of memory";

        var text = PlanJson.WriteOutcome(Outcome(message, new Dictionary<string, double> { ["loss"] = 4.5 }), Limit);

        Assert.InRange(Encoding.UTF8.GetByteCount(text), Limit - 64, Limit);
        Assert.True(PlanJson.TryReadOutcome(text, out var read));
        Assert.All([read.Message, read.Failure!.Message], cut =>
        {
            Assert.StartsWith("rank 3: ", cut, StringComparison.Ordinal);
            Assert.Contains(" [...] ", cut, StringComparison.Ordinal);
            Assert.EndsWith(" out of memory", cut, StringComparison.Ordinal);
            Assert.DoesNotContain('\uFFFD', cut);
        });
        Assert.Equal(4.5, read.Results!["loss"]);
    }

    [Fact]
    public void Results_are_left_out_only_when_texts_are_as_short_as_can_be()
    {
        var many = Enumerable.Range(0, 500).ToDictionary(i => $"result number {i}", i => (double)i);

        Assert.True(PlanJson.TryReadOutcome(PlanJson.WriteOutcome(Outcome(new string('x', 9_000), many), Limit), out var read));

        Assert.Null(read.Results);
        Assert.True(read.Message.Length > 1_000);
    }

    [Fact]
    public void A_text_cut_to_any_length_is_within_it_and_whole_letters()
    {
        var message = string.Concat(Enumerable.Repeat("a🐘", 900));
        for (var bytes = 250; bytes < 700; bytes++)
        {
            var text = PlanJson.WriteOutcome(Outcome(message, null), bytes);
            Assert.True(Encoding.UTF8.GetByteCount(text) <= bytes);
            Assert.True(PlanJson.TryReadOutcome(text, out var read));
            Assert.DoesNotContain('\uFFFD', read.Message);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("OOMKilled")]
    [InlineData("{\"result\":\"succeeded\"")]
    [InlineData("{\"result\":\"succeeded\",\"message\":null,\"seconds\":1}")]
    public void What_is_no_outcome_is_told_apart(string? text) => Assert.False(PlanJson.TryReadOutcome(text, out _));

    [Fact]
    public void A_report_is_read_as_it_was_written()
    {
        var report = new ProgressReport { Phase = "training", Step = 3, TotalSteps = 9, Loss = double.NaN, Tokens = 7, CheckpointStep = 2 };

        var json = PlanJson.WriteReport(report);

        Assert.Equal(report, PlanJson.ReadReport(json));
        Assert.StartsWith("""{"phase":"training","step":3,"totalSteps":9""", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"step":1,"totalSteps":2}""")]
    [InlineData("""{"phase":null,"step":1,"totalSteps":2}""")]
    [InlineData("""{"phase":"training","step":1,"totalSteps":2,"run":"another"}""")]
    public void A_report_that_is_none_is_refused(string json) =>
        Assert.Throws<InvalidInputException>(() => PlanJson.ReadReport(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void A_report_that_is_too_large_is_not_looked_at()
    {
        var error = Assert.Throws<InvalidInputException>(() => PlanJson.ReadReport(new byte[PlanJson.MaximumReportBytes + 1])).Errors[0];

        Assert.Equal("16385 bytes", error.Found);
    }

    private static StageOutcome Outcome(string message, IReadOnlyDictionary<string, double>? results) => new()
    {
        Result = StageResult.Failed,
        Message = message,
        Seconds = 12.5,
        Results = results,
        Failure = new StageFailure { Rank = 2, Node = 0, Message = message },
    };
}
