using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Tests;

/// <summary>Artifacts of stages that nobody computed, with known results.</summary>
internal static class FinishedStages
{
    private static readonly Dictionary<string, Dictionary<string, double>> Results = new()
    {
        ["pretrain"] = new() { ["initialLoss"] = 5.6, ["finalValidationLoss"] = 2.5, ["tokens"] = 80, ["tokensPerSecond"] = 4000.5, ["parameters"] = 3_000_000, ["other"] = 1 },
        ["align"] = new() { ["finalLoss"] = 1.5 },
        ["sft"] = new() { ["finalLoss"] = 0.5 },
        ["eval"] = new() { ["questions"] = 3, ["small"] = 0.75, ["medium"] = 0.7, ["large"] = 0.8, ["overall"] = 0.74, ["blindOverall"] = 0.25 },
    };

    public static Experiment Load(TinyExperiment experiment) => ExperimentLoader.Load(experiment.Manifest, experiment.Data, experiment.Output, default);

    /// <summary>Writes every stage's.</summary>
    public static void Write(TinyExperiment experiment)
    {
        foreach (var stage in Load(experiment).Stages)
        {
            using var writer = new ArtifactWriter(stage.Planned.Plan.Placement.Output);
            File.WriteAllBytes(writer.PathOf("plan.json"), PlanJson.Write(stage.Planned.Plan));
            if (stage.Kind == "pretrain")
            {
                File.WriteAllText(writer.PathOf("mixture.json"), "[]");
            }

            writer.Commit(stage.Kind, stage.Planned.Digest, new StageOutcome
            {
                Result = StageResult.Succeeded,
                Message = "done",
                Seconds = 10,
                Results = Results[stage.Kind],
            });
        }
    }
}
