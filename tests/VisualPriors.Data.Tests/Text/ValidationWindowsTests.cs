using VisualPriors.Api.Errors;
using VisualPriors.Data.Text;

namespace VisualPriors.Data.Tests.Text;

public sealed class ValidationWindowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TextCorpus _corpus;

    public ValidationWindowsTests()
    {
        _corpus = TextCorpus.Open(HandMadeCorpus.Write(_folder, new Dictionary<string, (int, int)>
        {
            ["code"] = (100, 1001),
            ["math"] = (100, 201),
            ["web"] = (100, 51),
        }));
    }

    public void Dispose()
    {
        _corpus.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Sources_share_the_windows_by_weight_and_each_gets_one()
    {
        Assert.Equal([15, 4, 1], Counts(20, ("code", 0.76m), ("math", 0.20m), ("web", 0.04m)));
        Assert.Equal([18, 1, 1], Counts(20, ("code", 98m), ("math", 1m), ("web", 1m)));
        Assert.Equal([1, 1, 1], Counts(2, ("code", 98m), ("math", 1m), ("web", 1m)));
        Assert.Equal([10, 10, 0], Counts(20, ("code", 1m), ("math", 1m), ("web", 0m)));
    }

    [Fact]
    public void A_source_gives_no_window_twice()
    {
        var windows = Take(60, ("math", 0.01m), ("web", 0.99m)).Where(window => window.Source == 1).ToList();

        Assert.Equal(5, windows.Count);
        Assert.Equal(5, windows.Select(window => window.Tokens[0]).Distinct().Count());
    }

    [Fact]
    public void Windows_are_spread_evenly_over_held_out_text()
    {
        var windows = Take(4, ("code", 1m));

        // 1001 tokens hold 100 windows of 10: number 0, 25, 50 and 75 are taken; held-out tokens count down from 65,535.
        Assert.Equal([65_535, 65_285, 65_035, 64_785], windows.Select(window => window.Tokens[0]));
        Assert.All(windows, window => Assert.Equal(Enumerable.Range(0, 11).Select(i => window.Tokens[0] - i), window.Tokens));
        Assert.Equal(windows.Select(window => window.Tokens), Take(4, ("code", 1m)).Select(window => window.Tokens));
    }

    [Fact]
    public void A_source_with_less_than_a_window_held_out_is_refused()
    {
        var schedule = new MixtureSchedule(new Dictionary<string, decimal> { ["web"] = 1 });
        var error = Assert.Throws<InvalidInputException>(() => ValidationWindows.Take(_corpus, schedule, 51, 4, "run.yaml")).Errors.Single();

        Assert.Equal(("run.yaml", "spec.data.mixture.web", "a source with 51 held-out tokens"), (error.File, error.Field, error.Found));
    }

    private int[] Counts(int count, params (string Source, decimal Weight)[] weights)
    {
        var windows = Take(count, weights);
        return [.. weights.Select((_, source) => windows.Count(window => window.Source == source))];
    }

    private IReadOnlyList<(int Source, long[] Tokens)> Take(int count, params (string Source, decimal Weight)[] weights) =>
        ValidationWindows.Take(_corpus, new MixtureSchedule(weights.ToDictionary(entry => entry.Source, entry => entry.Weight)), 10, count);
}
