using System.Globalization;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Progress;

/// <summary>Turns a trainer's report into what a status says.</summary>
internal static class ProgressBuilder
{
    /// <summary>The progress to write.</summary>
    /// <param name="report">What the trainer said.</param>
    /// <param name="attempt">Its attempt.</param>
    /// <param name="before">What the status says so far.</param>
    /// <param name="start">The first step of this attempt and activity that was reported, and when.</param>
    /// <param name="now">Now.</param>
    public static RunProgress Build(ProgressReport report, int attempt, RunProgress? before, (long Step, DateTimeOffset Time) start, DateTimeOffset now) => new()
    {
        Attempt = attempt,
        Time = StatusText.Seconds(now),
        Activity = report.Phase,
        Step = report.Step,
        TotalSteps = report.TotalSteps,
        Steps = string.Create(CultureInfo.InvariantCulture, $"{report.Step}/{report.TotalSteps}"),
        Tokens = report.Tokens,
        // Reports while saving or validating say nothing new of these: what was last known stays.
        Loss = Text(report.Loss) ?? Kept(before, attempt)?.Loss,
        ValidationLoss = Text(report.ValidationLoss) ?? Kept(before, attempt)?.ValidationLoss,
        TokensPerSecond = (long?)report.TokensPerSecond ?? Kept(before, attempt)?.TokensPerSecond,
        Accuracy = Text(report.Accuracy),
        Eta = Eta(report, start, now),
        SkippedSteps = report.SkippedSteps,
        CheckpointStep = report.CheckpointStep,
        CheckpointTime = report.CheckpointStep is not { } step ? null
            : before?.CheckpointStep == step && before.CheckpointTime is { } known ? known
            : StatusText.Seconds(now),
    };

    /// <summary>Time left at the pace of this attempt so far, such as <c>2h05m</c>, <c>3m20s</c> or <c>8s</c>; null until there is a pace, and when nothing is left.</summary>
    private static string? Eta(ProgressReport report, (long Step, DateTimeOffset Time) start, DateTimeOffset now)
    {
        var (done, elapsed) = (report.Step - start.Step, now - start.Time);
        if (done <= 0 || elapsed <= TimeSpan.Zero || report.Step >= report.TotalSteps)
        {
            return null;
        }

        var left = elapsed / done * (report.TotalSteps - report.Step);
        return left.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)left.TotalDays}d{left.Hours:00}h")
            : left.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{left.Hours}h{left.Minutes:00}m")
            : left.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{left.Minutes}m{left.Seconds:00}s")
            : string.Create(CultureInfo.InvariantCulture, $"{left.Seconds}s");
    }

    private static RunProgress? Kept(RunProgress? before, int attempt) => before?.Attempt == attempt ? before : null;

    private static string? Text(double? number) => number?.ToString("F4", CultureInfo.InvariantCulture);
}
