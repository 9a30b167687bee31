using VisualPriors.Api.Errors;
using VisualPriors.Cli.Experiments;

namespace VisualPriors.Cli.Trainer;

/// <summary>What this machine cannot do.</summary>
internal static class LocalMachine
{
    /// <summary>Whether NVIDIA's driver shows a GPU.</summary>
    public static bool HasGpu =>
        File.Exists("/dev/nvidia0")
        || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "nvidia-smi")));

    /// <summary>Refuses an experiment whose unfinished stages need more machines than one, or GPUs where there are none.</summary>
    /// <param name="experiment">What is to be run.</param>
    /// <param name="hasGpu">Whether this machine has GPUs.</param>
    /// <exception cref="InvalidInputException">Every such run.</exception>
    public static void Check(Experiment experiment, bool hasGpu)
    {
        var runs = experiment.Stages.Where(stage => stage.Finished is null).Select(stage => stage.Planned.Run).ToList();
        var errors = runs
            .Where(run => run.Compute.Nodes > 1)
            .Select(run => (Run: run, Field: "spec.compute.nodes", Found: $"{run.Compute.Nodes}", Expected: "1: `vp run` computes on this machine alone"))
            .Concat(runs
                .Where(run => run.Compute.GpusPerNode > 0 && !hasGpu)
                .Select(run => (Run: run, Field: "spec.compute.gpusPerNode", Found: $"{run.Compute.GpusPerNode}", Expected: "0: this machine shows no GPU (neither /dev/nvidia0 nor nvidia-smi)")))
            .Select(error => experiment.Manifest.ErrorAt(error.Run, error.Field, error.Found, error.Expected))
            .ToList();
        if (errors.Count > 0)
        {
            throw new InvalidInputException(errors);
        }
    }
}
