using System.CommandLine;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Output;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp fetch</c>: what a cluster's runs gave, to where a <c>vp run</c> would have left it.</summary>
internal static class FetchCommand
{
    public static CommandDefinition Create()
    {
        var from = new Option<string>("--from") { Description = "Root in an object store: file:///folder or azblob://account/container/prefix.", Required = true };
        var to = new Option<string>("--to") { Description = "Folder for stages, summary and report.", Required = true };
        var stages = new Option<string[]>("--stage") { Description = "Digests of the stages to fetch [default: all that are finished].", AllowMultipleArgumentsPerToken = true };
        var file = new Option<string?>("--file", "-f") { Description = "Fetch this manifest's chain, and write its summary and report as `vp run` does." };
        var data = ExperimentOptions.Data();
        var command = new Command("fetch", "Bring finished stages from an object store here.") { from, to, stages, file, data };
        command.Validators.Add(result =>
        {
            if (result.GetValue(file) is not null && result.GetValue(stages) is { Length: > 0 })
            {
                result.AddError("--stage and --file: the manifest says which stages");
            }
        });
        return new CommandDefinition(command, (parsed, cli, cancellationToken) =>
        {
            var (source, target) = (StagePlaces.InStore(parsed.GetRequiredValue(from)), parsed.GetRequiredValue(to));
            return parsed.GetValue(file) is { } manifest
                ? FetchChainAsync(ExperimentLoader.Load(manifest, parsed.GetRequiredValue(data), target, cancellationToken), source, cli, cancellationToken)
                : FetchStagesAsync(source, target, parsed.GetValue(stages) ?? [], cli, cancellationToken);
        });
    }

    private static async Task FetchStagesAsync(
        StagePlaces source, string target, string[] digests, CliOutput cli, CancellationToken cancellationToken)
    {
        var fetched = new List<FetchedStage>();
        foreach (var digest in digests.Length > 0 ? digests : await FinishedAsync(source, cancellationToken).ConfigureAwait(false))
        {
            if (digest.Contains('/', StringComparison.Ordinal) || digest.StartsWith('.'))
            {
                throw new InvalidInputException("fetch", "--stage", $"'{digest}'", "a stage digest");
            }

            var artifact = await FetchAsync(source, target, digest, cancellationToken).ConfigureAwait(false);
            fetched.Add(new FetchedStage(digest, artifact.Manifest.Kind, artifact.Directory));
        }

        if (cli.IsJson)
        {
            cli.WriteJson(new FetchDocument(fetched), CliJson.Indented.FetchDocument);
            return;
        }

        foreach (var stage in fetched)
        {
            cli.Out.WriteLine($"{stage.Kind} {stage.Digest[..Math.Min(12, stage.Digest.Length)]}: {stage.Directory}");
        }
    }

    private static async Task FetchChainAsync(Experiment experiment, StagePlaces source, CliOutput cli, CancellationToken cancellationToken)
    {
        var missing = new List<InputError>();
        foreach (var (run, digest, _) in experiment.Stages.Select(stage => stage.Planned))
        {
            var address = source.ArtifactOf(digest);
            if (await ArtifactStore.TryReadManifestAsync(address, cancellationToken).ConfigureAwait(false) is null)
            {
                missing.Add(new InputError(
                    experiment.Manifest.File, null, $"{run.Kind} '{run.Metadata.Name}', which is not at {address}", "finished runs, of this manifest and these data sets",
                    experiment.Manifest.LineOf(run, "kind")));
            }
        }

        if (missing.Count > 0)
        {
            throw new InvalidInputException(missing);
        }

        var output = experiment.OutputDirectory;
        ExperimentRunner.ClearOutput(output);
        var records = new List<Evaluation.Reports.StageRecord>();
        foreach (var stage in experiment.Stages)
        {
            var artifact = await FetchAsync(source, output, stage.Planned.Digest, cancellationToken).ConfigureAwait(false);
            // The plan that came with it names the cluster's data: here it is this machine's.
            records.Add(ExperimentRunner.Record(output, stage, artifact.Manifest.Outcome!, isReused: false) with { Inputs = stage.Planned.Plan.Placement.Inputs });
        }

        RunEnding.Write(cli, experiment, await ExperimentRunner.WriteAsync(experiment, records, cancellationToken).ConfigureAwait(false));
    }

    private static Task<Artifact> FetchAsync(StagePlaces source, string target, string digest, CancellationToken cancellationToken)
    {
        var address = source.ArtifactOf(digest);
        return ArtifactStore.FetchAsync(address, StagePlaces.InFolder(target).ArtifactOf(digest), Check, cancellationToken);

        void Check(StoredArtifact stored)
        {
            if (stored.Manifest.StageDigest != digest || stored.Manifest.Outcome is null)
            {
                throw new InvalidInputException(address, "stageDigest", stored.Manifest.StageDigest ?? "none", $"{digest}, with its outcome");
            }
        }
    }

    private static async Task<string[]> FinishedAsync(StagePlaces source, CancellationToken cancellationToken)
    {
        var digests = new List<string>();
        await foreach (var item in ObjectStores.Open(source.Artifacts).ListAsync("", cancellationToken).ConfigureAwait(false))
        {
            if (item.Name.Split('/') is [var digest, ArtifactManifest.FileName])
            {
                digests.Add(digest);
            }
        }

        return digests.Count > 0 ? [.. digests] : throw new InvalidInputException(source.Artifacts, null, "no finished stages", "what runs on a cluster gave");
    }
}
