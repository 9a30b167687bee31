using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on machines and processes.</summary>
internal static class ComputeRules
{
    /// <summary>Every process has the same share of a global batch, in whole micro-batches.</summary>
    public static IEnumerable<Violation> ProcessesDivideGlobalBatch(Run run)
    {
        var (field, global, micro) = run switch
        {
            PretrainRun { Spec.Training: var t } => ("spec.training.globalBatchSize", t.GlobalBatchSize, t.MicroBatchSize ?? 1),
            AlignRun { Spec.Training: var t } => ("spec.training.globalBatchSize", t.GlobalBatchSize, t.MicroBatchSize ?? 1),
            SftRun { Spec.Training: var t } => ("spec.training.globalBatchSize", t.GlobalBatchSize, t.MicroBatchSize ?? 1),
            _ => ("", 0, 1),
        };
        var processes = run.Compute.WorldSize;
        if (global >= 1 && micro >= 1 && processes > 1 && global % ((long)processes * micro) != 0)
        {
            yield return new Violation(
                run, field, $"{global}", micro == 1 ? $"a multiple of the number of processes ({processes})" : $"a multiple of processes x microBatchSize ({processes} x {micro})");
        }
    }

    /// <summary>Where there are GPUs, there is one process for each.</summary>
    public static IEnumerable<Violation> GpusOrProcesses(Run run)
    {
        if (run.Compute is { GpusPerNode: > 0, ProcessesPerNode: > 1 } compute)
        {
            yield return new Violation(
                run, "spec.compute.processesPerNode", $"{compute.ProcessesPerNode}", "nothing beside gpusPerNode: there is one process for each GPU");
        }
    }

    /// <summary>An evaluation is one process's work.</summary>
    public static IEnumerable<Violation> EvaluationIsOneProcess(Run run)
    {
        if (run is EvalRun && run.Compute.WorldSize > 1)
        {
            yield return new Violation(run, "spec.compute", $"{run.Compute.WorldSize} processes", "one process: an EvalRun is not shared out");
        }
    }
}
