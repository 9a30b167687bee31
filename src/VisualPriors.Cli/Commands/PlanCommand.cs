using System.CommandLine;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Cli.Output;
using VisualPriors.Data.Text;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp plan</c>: what a manifest's training runs take on GPUs, told without GPUs and without data.</summary>
internal static class PlanCommand
{
    private const string AllPresets = "all";

    /// <summary>The paper's scales.</summary>
    private static readonly string[] Presets = ["340M", "1B", "3B", "7B", "13B"];

    private static readonly string[] Estimated = ["activations", "loss", "total", "fits", "throughput", "seconds"];

    public static CommandDefinition Create()
    {
        var file = ExperimentOptions.File();
        var data = ExperimentOptions.Data();
        var presets = new Option<string>("--preset")
        {
            Description = $"Models to put in the place of a PretrainRun's own: {AllPresets}, or some of {string.Join(",", Presets)}.",
            DefaultValueFactory = _ => AllPresets,
        };
        var gpu = new Option<string>("--gpu")
        {
            Description = $"Kind of GPU: {string.Join(", ", GpuSpecification.All.Keys)}.",
            DefaultValueFactory = _ => "h100",
        };
        var command = new Command("plan", "Tell what training takes: memory per GPU, whether it fits, time, checkpoint size. Needs neither GPU nor data.")
        {
            file, data, presets, gpu,
        };
        return new CommandDefinition(command, (parsed, cli, _) =>
        {
            Execute(
                parsed.GetRequiredValue(file), parsed.GetRequiredValue(data), PresetsOf(parsed.GetRequiredValue(presets)), GpuOf(parsed.GetRequiredValue(gpu)), cli);
            return Task.CompletedTask;
        });
    }

    private static void Execute(string file, string data, IReadOnlyList<string> presets, GpuSpecification gpu, CliOutput cli)
    {
        var manifest = ManifestReader.Read(file);
        var estimates = RunGraph.Order(manifest.Runs).Where(run => run is not EvalRun).SelectMany(run => Estimate(manifest, run, data, presets, gpu)).ToList();
        if (cli.IsJson)
        {
            cli.WriteJson(new EstimateDocument(gpu, Estimated, estimates), CliJson.Indented.EstimateDocument);
        }
        else
        {
            EstimateTable.Write(cli, gpu, estimates);
        }
    }

    private static List<RunEstimate> Estimate(Manifest manifest, Run run, string data, IReadOnlyList<string> presets, GpuSpecification gpu)
    {
        if (!Chain(run, manifest).OfType<PretrainRun>().Any())
        {
            throw new InvalidInputException(
                manifest.File, "spec.from", $"{run.Kind} '{run.Metadata.Name}' without its decoder", "the PretrainRun that it starts from, in the same manifest");
        }

        try
        {
            return [.. RunEstimate.Of(run, manifest.Runs, VocabularySizeOf(Chain(run, manifest).OfType<PretrainRun>().Last(), data), presets, gpu)];
        }
        catch (OverflowException)
        {
            throw new InvalidInputException(manifest.File, "spec", $"sizes of {run.Kind} '{run.Metadata.Name}' that no machine has", "a model and batches of fewer than 2^63 bytes");
        }
    }

    /// <summary>A run and everything before it.</summary>
    private static IEnumerable<Run> Chain(Run run, Manifest manifest)
    {
        for (var link = run; link is not null; link = RunGraph.UpstreamOf(link, manifest.Runs))
        {
            yield return link;
        }
    }

    /// <summary>The prepared corpus's, else the one that the paper's parameter counts are given at.</summary>
    private static int VocabularySizeOf(PretrainRun run, string data)
    {
        var directory = Path.Combine(data, run.Spec.Data.Corpus);
        if (!Artifact.Exists(directory))
        {
            return DecoderPresets.PaperVocabularySize;
        }

        using var corpus = TextCorpus.Open(directory);
        return corpus.VocabularySize;
    }

    private static string[] PresetsOf(string names)
    {
        var chosen = names == AllPresets ? Presets : names.Split(',', StringSplitOptions.TrimEntries);
        return Array.Find(chosen, name => !Presets.Contains(name)) is { } unknown
            ? throw new InvalidInputException("plan", "--preset", $"'{unknown}'", $"{AllPresets}, or some of {string.Join(",", Presets)}")
            : chosen;
    }

    private static GpuSpecification GpuOf(string name) => GpuSpecification.All.TryGetValue(name, out var gpu)
        ? gpu
        : throw new InvalidInputException("plan", "--gpu", $"'{name}'", $"one of {string.Join(", ", GpuSpecification.All.Keys)}");
}
