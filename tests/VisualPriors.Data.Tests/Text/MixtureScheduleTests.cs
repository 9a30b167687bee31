using VisualPriors.Api.Errors;
using VisualPriors.Data.Text;

namespace VisualPriors.Data.Tests.Text;

public sealed class MixtureScheduleTests
{
    private static readonly string[] PracticalSources = ["web-crawl", "encyclopedia", "academia", "literature", "math", "code"];

    /// <summary>The paper's mix0 to mix10 (paper.md 2.5).</summary>
    public static TheoryData<decimal[]> PaperMixes =>
    [
        [50.0m, 2.5m, 2.5m, 20.0m, 5.0m, 20.0m],
        [48.3m, 3.4m, 2.9m, 17.0m, 5.8m, 22.5m],
        [46.7m, 4.3m, 3.3m, 14.0m, 6.7m, 25.0m],
        [45.0m, 5.2m, 3.8m, 11.0m, 7.5m, 27.5m],
        [43.3m, 6.1m, 4.2m, 8.0m, 8.3m, 30.0m],
        [41.7m, 7.1m, 4.6m, 5.0m, 9.2m, 32.5m],
        [40.0m, 8.0m, 5.0m, 2.0m, 10.0m, 35.0m],
        [36.5m, 7.0m, 7.5m, 2.0m, 11.5m, 35.5m],
        [33.0m, 6.5m, 9.5m, 2.0m, 12.0m, 37.0m],
        [29.5m, 6.0m, 11.5m, 2.0m, 12.5m, 38.5m],
        [26.0m, 5.5m, 12.5m, 2.0m, 13.0m, 41.0m],
    ];

    [Theory]
    [MemberData(nameof(PaperMixes))]
    public void The_papers_mixtures_are_kept_within_one_sample_at_every_step(decimal[] weights)
    {
        AssertKept(PracticalSources.Zip(weights).ToDictionary(pair => pair.First, pair => pair.Second));
    }

    [Fact]
    public void Random_mixtures_are_kept_within_one_sample_at_every_step()
    {
        var random = new Random(42);
        for (var trial = 0; trial < 300; trial++)
        {
            var sources = random.Next(1, 17);
            var step = new[] { 1m, 0.1m, 0.01m, 0.001m }[random.Next(4)];
            var weights = Enumerable.Range(0, sources).ToDictionary(i => $"s{i}", _ => random.Next(5) == 0 ? 0 : random.Next(1, random.Next(2, 2000)) * step);
            weights["s0"] = Math.Max(weights["s0"], step);
            AssertKept(weights);
        }
    }

    [Fact]
    public void Sixteen_equal_sources_take_turns()
    {
        var schedule = AssertKept(Enumerable.Range(0, 16).ToDictionary(i => $"s{i:D2}", _ => 0.0625m));

        Assert.Equal(16, schedule.Period);
        Assert.Equal(16, Enumerable.Range(160, 16).Select(sample => schedule.At(sample).Source).Distinct().Count());
    }

    [Fact]
    public void Shares_percentages_and_the_order_of_the_sources_give_one_schedule()
    {
        var shares = new MixtureSchedule(new Dictionary<string, decimal> { ["a"] = 0.35m, ["b"] = 0.65m });
        var percentages = new MixtureSchedule(new Dictionary<string, decimal> { ["b"] = 65.000m, ["a"] = 35 });

        Assert.Equal(["a", "b"], percentages.Sources);
        Assert.Equal(0.35, shares.Weight(0), 12);
        Assert.Equal(Enumerable.Range(0, 500).Select(n => shares.At(n)), Enumerable.Range(0, 500).Select(n => percentages.At(n)));
    }

    [Fact]
    public void Distant_samples_are_as_near_as_close_ones()
    {
        var schedule = new MixtureSchedule(new Dictionary<string, decimal> { ["a"] = 1, ["b"] = 2 });

        var (source, ordinal) = schedule.At(3_000_000_000_000_001);

        Assert.Equal(schedule.At(1).Source, source);
        Assert.Equal(schedule.At(1).Ordinal + (1_000_000_000_000_000 * (source == 0 ? 1 : 2)), ordinal);
    }

    [Fact]
    public void Six_decimals_are_kept_exactly()
    {
        var schedule = AssertKept(new Dictionary<string, decimal> { ["a"] = 0.000001m, ["b"] = 0.999999m });

        Assert.Equal(1_000_000, schedule.Period);
    }

    [Theory]
    [InlineData("spec.data.mixture", "all zero", 0.0, 0.0)]
    [InlineData("spec.data.mixture", "no source")]
    [InlineData("spec.data.mixture.s1", "-0.5", 1.0, -0.5)]
    [InlineData("spec.data.mixture.s0", "0.0000001", 0.0000001, 1.0)]
    [InlineData("spec.data.mixture.s0", "2000000", 2_000_000.0, 1.0)]
    public void Unusable_weights_are_refused(string field, string found, params double[] weights)
    {
        var mixture = weights.Index().ToDictionary(entry => $"s{entry.Index}", entry => (decimal)entry.Item);

        AssertRefused(mixture, field, found);
    }

    [Fact]
    public void Weights_that_hardly_ever_repeat_are_refused()
    {
        AssertRefused(
            new Dictionary<string, decimal> { ["a"] = 999_999.999998m, ["b"] = 0.000001m }, "spec.data.mixture", "repeat only after 999999999999 samples");
    }

    private static void AssertRefused(Dictionary<string, decimal> mixture, string field, string found)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => new MixtureSchedule(mixture, "run.yaml")).Errors);
        Assert.Equal(("run.yaml", field), (error.File, error.Field));
        Assert.Contains(found, error.Found, StringComparison.Ordinal);
    }

    /// <summary>Walks more than one period: counts stay within one of the weights, ordinals count up by one.</summary>
    private static MixtureSchedule AssertKept(Dictionary<string, decimal> weights)
    {
        var schedule = new MixtureSchedule(weights);
        var total = weights.Values.Sum();
        var exact = schedule.Sources.Select(source => weights[source] * 1_000_000m).Select(weight => (long)weight).ToArray();
        var sum = exact.Sum();
        var counts = new long[exact.Length];
        for (var n = 1L; n <= schedule.Period + 7; n++)
        {
            var (source, ordinal) = schedule.At(n - 1);
            Assert.Equal(counts[source]++, ordinal);
            for (var i = 0; i < counts.Length; i++)
            {
                // |count - n w| < 1, in whole numbers: |count * sum - n * weight| < sum.
                if (Int128.Abs(((Int128)counts[i] * sum) - ((Int128)n * exact[i])) >= sum)
                {
                    Assert.Fail($"after {n} samples {schedule.Sources[i]} has {counts[i]}, wanted {n * weights[schedule.Sources[i]] / total}");
                }
            }
        }

        return schedule;
    }
}
