using System.Text.RegularExpressions;
using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

public sealed partial class TrainerMetricTests
{
    /// <summary>By its source: the trainer itself would bring libtorch along.</summary>
    [Fact]
    public void The_trainer_s_metrics_are_those_of_the_documentation()
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "src", "VisualPriors.Trainer", "Pods", "TrainerMetrics.cs"));
        Assert.Equal(
            Made().Matches(source).Select(match => $"visualpriors_training_{match.Groups["name"].Value}").Order(StringComparer.Ordinal),
            MetricTables.All.Where(metric => metric.IsOfTrainer).Select(metric => metric.Name).Order(StringComparer.Ordinal));
        Assert.All(MetricTables.All.Where(metric => metric.IsOfTrainer), metric => Assert.Equal(["namespace", "kind", "run"], metric.Labels));
    }

    [GeneratedRegex("""\bGauge\("(?<name>\w+)",""")]
    private static partial Regex Made();
}
