using System.Globalization;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on machines, processes, checkpoints and loss protection.</summary>
internal static class ComputeRules
{
    /// <summary>Counts are at least what makes sense.</summary>
    public static IEnumerable<Violation> SizesMakeSense(Run run)
    {
        var compute = run.Compute;
        List<(string Name, double Value, double Minimum, double Maximum)> sizes =
        [
            ("compute.threads", compute.Threads, 0, int.MaxValue),
            ("compute.nodes", compute.Nodes, 1, int.MaxValue),
            ("compute.gpusPerNode", compute.GpusPerNode, 0, 16),
            ("compute.processesPerNode", compute.ProcessesPerNode, 1, 256),
            ("compute.sharding.zeroStage", compute.Sharding.ZeroStage, 0, 3),
        ];
        if (run.Checkpoint is { } checkpoint)
        {
            sizes.Add(("checkpoint.everySteps", checkpoint.EverySteps, 0, int.MaxValue));
            sizes.Add(("checkpoint.keepLast", checkpoint.KeepLast, 1, int.MaxValue));
            sizes.Add(("checkpoint.keepEverySteps", checkpoint.KeepEverySteps, 0, long.MaxValue));
        }

        if (ProtectionOf(run) is { } protection)
        {
            sizes.Add(("training.lossProtection.maximumSkippedSteps", protection.MaximumSkippedSteps, 0, int.MaxValue));
            sizes.Add(("training.lossProtection.spikeDeviations", protection.SpikeDeviations, 0, double.MaxValue));
            sizes.Add(("training.lossProtection.window", protection.Window, 2, 1 << 20));
            sizes.Add(("training.lossProtection.maximumRollbacks", protection.MaximumRollbacks, 0, int.MaxValue));
        }

        return sizes.Where(size => size.Value < size.Minimum || size.Value > size.Maximum).Select(size => new Violation(
            run,
            $"spec.{size.Name}",
            size.Value.ToString(CultureInfo.InvariantCulture),
            size.Maximum < int.MaxValue ? $"a number from {size.Minimum} to {size.Maximum}" : $"at least {size.Minimum}"));
    }

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

    private static LossProtectionSpec? ProtectionOf(Run run) => run switch
    {
        PretrainRun pretrain => pretrain.Spec.Training.LossProtection,
        AlignRun align => align.Spec.Training.LossProtection,
        SftRun sft => sft.Spec.Training.LossProtection,
        _ => null,
    };
}
