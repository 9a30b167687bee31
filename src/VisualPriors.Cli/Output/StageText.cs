using System.Globalization;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Output;

/// <summary>Words for a stage's progress.</summary>
internal static class StageText
{
    /// <summary><c>align aligned</c></summary>
    public static string Title(ExperimentStage stage) => $"{stage.Kind} {stage.Name}";

    /// <summary>The numbers of a report: <c>loss 4.2131  validation 4.5012  9,870 tokens/s</c>.</summary>
    public static string Numbers(ProgressReport report)
    {
        var culture = CultureInfo.InvariantCulture;
        var parts = new List<string>();
        if (report.Loss is { } loss)
        {
            parts.Add(string.Create(culture, $"loss {loss:0.0000}"));
        }

        if (report.ValidationLoss is { } validation)
        {
            parts.Add(string.Create(culture, $"validation {validation:0.0000}"));
        }

        if (report.Accuracy is { } accuracy)
        {
            parts.Add(string.Create(culture, $"accuracy {accuracy:P1}"));
        }

        if (report.TokensPerSecond is { } speed)
        {
            parts.Add(string.Create(culture, $"{speed:N0} tokens/s"));
        }

        if (report.SkippedSteps is > 0 and var skipped)
        {
            parts.Add(string.Create(culture, $"{skipped:N0} updates skipped"));
        }

        if (report.Rollbacks is > 0 and var rollbacks)
        {
            parts.Add(string.Create(culture, $"{rollbacks:N0} times rolled back"));
        }

        return string.Join("  ", parts);
    }

    /// <summary>Phase, steps and numbers: <c>training 12/350  loss 4.2131</c>.</summary>
    public static string Progress(ProgressReport report) =>
        string.Create(CultureInfo.InvariantCulture, $"{report.Phase} {report.Step:N0}/{report.TotalSteps:N0}  {Numbers(report)}").TrimEnd();

    /// <summary>How a stage ended.</summary>
    public static string End(ExperimentStage stage, StageRecord record) => record.Reused
        ? $"reused, finished already ({stage.Planned.Digest[..12]})"
        : $"finished in {Duration(TimeSpan.FromSeconds(record.Seconds))}";

    /// <summary>Minutes and seconds, hours where there are any.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}
