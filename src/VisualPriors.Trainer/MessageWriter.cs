using System.Diagnostics;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer;

/// <summary>Writes a trainer's messages, one JSON line each, thinning out progress.</summary>
internal sealed class MessageWriter(TextWriter output)
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);
    private long _lastProgress;
    private string? _lastPhase;

    /// <summary>Says how far the stage is, unless it was said a moment ago.</summary>
    public void Progress(ProgressReport report)
    {
        var tooSoon = _lastProgress != 0 && Stopwatch.GetElapsedTime(_lastProgress) < ShortestInterval;
        if (tooSoon && report.Phase == _lastPhase && report.Step != report.TotalSteps)
        {
            return;
        }

        (_lastProgress, _lastPhase) = (Stopwatch.GetTimestamp(), report.Phase);
        Forward(report);
    }

    /// <summary>Passes on what another process has thinned out already.</summary>
    public void Forward(ProgressReport report) => Write(new TrainerMessage { Progress = report });

    /// <summary>Says how the stage ended.</summary>
    public void Outcome(StageOutcome outcome) => Write(new TrainerMessage { Outcome = outcome });

    private void Write(TrainerMessage message)
    {
        output.WriteLine(PlanJson.WriteLine(message));
        output.Flush();
    }
}
