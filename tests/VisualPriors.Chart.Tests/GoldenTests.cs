using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>
/// The chart renders to what was looked at and found right: <c>golden/NAME.yaml</c> from the values <c>golden/NAME.values.yaml</c>. After a
/// change that is meant, VP_UPDATE_GOLDEN=1 writes the files anew; read what differs before it is committed.
/// </summary>
public sealed class GoldenTests
{
    [Theory]
    [InlineData("defaults")]
    [InlineData("namespaced")]
    [InlineData("high-availability")]
    [InlineData("workload-identity")]
    public async Task The_chart_renders_to_the_golden_file(string name)
    {
        var folder = Path.Combine(Repository.Tests("VisualPriors.Chart.Tests"), "golden");
        // The definitions are generated, and long: CustomResourceTests looks at them.
        var rendered = await Rendering.TextAsync("--set", "crds.install=false", "--values", Path.Combine(folder, $"{name}.values.yaml"));
        Golden.Check(Path.Combine(folder, $"{name}.yaml"), rendered);
    }
}
