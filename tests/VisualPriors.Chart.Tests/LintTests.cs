using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

public sealed class LintTests
{
    public static TheoryData<string> Values { get; } =
        [.. Directory.GetFiles(Path.Combine(Repository.Tests("VisualPriors.Chart.Tests"), "golden"), "*.values.yaml").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Values))]
    public async Task Helm_s_linter_finds_nothing(string values)
    {
        using var helm = new Helm();
        var path = Path.Combine(Repository.Tests("VisualPriors.Chart.Tests"), "golden", values);
        await helm.RunAsync("lint", "--strict", Repository.Chart, "--set", Rendering.Address, "--values", path);
    }
}
