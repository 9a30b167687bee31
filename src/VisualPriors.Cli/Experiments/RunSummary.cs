using System.Text.Json.Nodes;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Output;
using VisualPriors.Evaluation.Reports;

namespace VisualPriors.Cli.Experiments;

/// <summary>
/// The few numbers of a run, as <c>summary.json</c>: one chain's, the one that leads to the last evaluation (or to the last stage
/// where nothing is evaluated). A part is absent when the chain has no such stage.
/// </summary>
internal static class RunSummary
{
    /// <summary>Name of the file in the output folder.</summary>
    public const string FileName = "summary.json";

    /// <summary>The parts, the stage kind each comes from, and its numbers by the names a stage's outcome gives them.</summary>
    private static readonly (string Part, string Kind, string[] Numbers)[] Parts =
    [
        ("pretrain", ArtifactKind.Pretrain, ["initialLoss", "finalValidationLoss", "tokens", "tokensPerSecond", "parameters"]),
        ("align", ArtifactKind.Align, ["finalLoss"]),
        ("sft", ArtifactKind.Sft, ["finalLoss"]),
        ("mleBench", ArtifactKind.Eval, ["questions", "small", "medium", "large", "overall", "blindOverall"]),
    ];

    /// <summary>The summary of a finished run. <c>seconds</c> adds up the stages' times, a reused stage's as it was when computed.</summary>
    public static JsonObject Of(Experiment experiment, RunRecord record)
    {
        var chain = ChainOf(experiment, record);
        var summary = new JsonObject();
        foreach (var (part, kind, numbers) in Parts)
        {
            // Of several stages of a kind in one chain (fine-tuning twice) the last counts, and the chain is walked from its end.
            if (chain.Find(stage => stage.Kind == kind) is { } stage)
            {
                var present = numbers.Where(stage.Results.ContainsKey);
                summary[part] = new JsonObject(present.Select(number => KeyValuePair.Create<string, JsonNode?>(number, Number(stage.Results[number]))));
            }
        }

        summary["seconds"] = Math.Round(record.Stages.Sum(stage => stage.Seconds), 1);
        return summary;
    }

    /// <summary>Writes it into an output folder, whole or not at all.</summary>
    public static void Write(string outputDirectory, JsonObject summary)
    {
        var path = Path.Combine(outputDirectory, FileName);
        File.WriteAllText(path + ".partial", summary.ToJsonString(CliJson.Indented.Options));
        File.Move(path + ".partial", path, overwrite: true);
    }

    /// <summary>The records of a chain, its last stage first.</summary>
    private static List<StageRecord> ChainOf(Experiment experiment, RunRecord record)
    {
        var planned = experiment.Stages.Select(stage => stage.Planned).ToList();
        var last = planned.FindLast(stage => stage.Plan.Computation is EvalComputation) ?? planned[^1];
        var chain = new List<StageRecord>();
        for (var run = last.Run; run is not null; run = RunGraph.UpstreamOf(run, experiment.Manifest.Runs))
        {
            chain.Add(record.Stages[planned.FindIndex(stage => ReferenceEquals(stage.Run, run))]);
        }

        return chain;
    }

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
