using System.CommandLine;
using VisualPriors.Cli.Output;
using VisualPriors.Storage.Objects;
using VisualPriors.Training.Exports;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp import</c>: a Hugging Face folder, from any store, as a pre-trained model.</summary>
internal static class ImportCommand
{
    public static CommandDefinition Create()
    {
        var from = new Option<string>("--from") { Description = "Where it lies: file:///folder or azblob://account/container/prefix.", Required = true };
        var to = new Option<string>("--to") { Description = "Folder of the artifact to make.", Required = true };
        var command = new Command("import", "Bring a Hugging Face LlamaForCausalLM folder here, to stand where a pre-trained model stands.") { from, to };
        return new CommandDefinition(command, async (parsed, cli, cancellationToken) =>
        {
            var store = ObjectStores.Open(parsed.GetRequiredValue(from));
            var artifact = await ModelImport.RunAsync(store, parsed.GetRequiredValue(to), cancellationToken).ConfigureAwait(false);
            if (cli.IsJson)
            {
                cli.WriteJson(new ImportDocument(artifact.Directory, artifact.Digest), CliJson.Indented.ImportDocument);
            }
            else
            {
                cli.Out.WriteLine($"Imported {store.Address} to {artifact.Directory}");
            }
        });
    }
}
