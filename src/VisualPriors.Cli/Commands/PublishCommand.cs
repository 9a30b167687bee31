using System.CommandLine;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Cli.Output;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp publish</c>: prepared data sets to where a cluster's runs read them.</summary>
internal static class PublishCommand
{
    public static CommandDefinition Create()
    {
        var data = ExperimentOptions.Data();
        var to = new Option<string>("--to") { Description = "Root in an object store: file:///folder or azblob://account/container/prefix.", Required = true };
        var names = new Option<string[]>("--name") { Description = "Data sets to publish [default: all].", AllowMultipleArgumentsPerToken = true };
        var command = new Command("publish", "Publish prepared data sets to an object store, for runs on a cluster. What is there already is left as it is.")
        {
            data, to, names,
        };
        return new CommandDefinition(command, (parsed, cli, cancellationToken) =>
            ExecuteAsync(parsed.GetRequiredValue(data), parsed.GetRequiredValue(to), parsed.GetValue(names) ?? [], cli, cancellationToken));
    }

    private static async Task ExecuteAsync(string data, string to, IReadOnlyList<string> names, CliOutput cli, CancellationToken cancellationToken)
    {
        var root = StagePlaces.DataOf(to);
        ObjectStores.Open(root); // a wrong address or missing credentials are told before anything is read
        // All are opened before one is sent.
        var sets = FoldersOf(data, names).Select(folder => Artifact.Open(folder)).ToList();
        var published = new List<PublishedSet>();
        foreach (var set in sets)
        {
            var name = Path.GetFileName(set.Directory);
            var address = $"{root}/{name}";
            var result = await ArtifactStore.PublishAsync(set, address, cancellationToken).ConfigureAwait(false);
            published.Add(new PublishedSet(
                name, set.Manifest.Kind, set.Digest, set.Manifest.Files.Sum(file => file.Bytes), address, result.UploadedBytes, result.WasThere));
        }

        if (cli.IsJson)
        {
            cli.WriteJson(new PublishDocument(published), CliJson.Indented.PublishDocument);
        }
        else
        {
            PublishTable.Write(cli.Console, published);
        }
    }

    private static List<string> FoldersOf(string data, IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            return [.. names.Distinct(StringComparer.Ordinal).Select(name => Path.GetFullPath(Path.Combine(data, name)))];
        }

        var found = Directory.Exists(data) ? Directory.GetDirectories(Path.GetFullPath(data)).Where(Artifact.Exists).Order(StringComparer.Ordinal).ToList() : [];
        return found.Count > 0 ? found : throw new InvalidInputException(data, null, "no prepared data sets", "a folder that `vp prepare` filled");
    }
}
