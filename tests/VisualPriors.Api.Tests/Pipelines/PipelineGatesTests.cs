using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Pipelines;

public sealed class PipelineGatesTests
{
    [Theory]
    [InlineData(0.25, null)]
    [InlineData(0.9, null)]
    [InlineData(0.2499999, "overall is 0.2499999, the gate asks for at least 0.25")]
    [InlineData(0.1, "overall is 0.1, the gate asks for at least 0.25")]
    [InlineData(0.91, "overall is 0.91, the gate asks for at most 0.9")]
    [InlineData(double.NaN, "overall is NaN, the gate asks for at least 0.25")]
    public void A_result_keeps_to_its_bounds(double value, string? message) =>
        Assert.Equal(message, PipelineGates.Check(Stage(new PipelineGate { Score = "overall", Minimum = 0.25, Maximum = 0.9 }), Results(value))?.Message);

    [Fact]
    public void A_result_that_is_no_number_misses_a_maximum_too() =>
        Assert.NotNull(PipelineGates.Check(Stage(new PipelineGate { Score = "overall", Maximum = 1 }), Results(double.NaN)));

    [Fact]
    public void A_result_that_is_not_there_misses_its_gate()
    {
        var violation = PipelineGates.Check(Stage(new PipelineGate { Score = "overal", Minimum = 0 }), Results(1));

        Assert.Equal(new GateViolation("overal", "there is no result 'overal'; the stage gave overall; did you mean overall?"), violation);
    }

    [Fact]
    public void The_first_gate_missed_is_told() =>
        Assert.Equal("at least 2", PipelineGates.Check(
            Stage(new() { Score = "overall", Minimum = 0 }, new() { Score = "overall", Minimum = 2 }, new() { Score = "overall", Minimum = 3 }), Results(1))!.Message[^10..]);

    [Fact]
    public void Without_gates_there_is_nothing_to_miss() => Assert.Null(PipelineGates.Check(new PipelineStage { Name = "a" }, Results(1)));

    private static PipelineStage Stage(params PipelineGate[] gates) => new() { Name = "score", Gates = gates };

    private static Dictionary<string, double> Results(double overall) => new() { ["overall"] = overall };
}
