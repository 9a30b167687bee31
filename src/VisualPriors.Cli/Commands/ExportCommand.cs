using System.CommandLine;
using VisualPriors.Cli.Output;
using VisualPriors.Storage.Objects;
using VisualPriors.Training.Exports;
using static TorchSharp.torch;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp export</c>: a language model as a Hugging Face folder, in any store.</summary>
internal static class ExportCommand
{
    private const string BFloat16 = "bf16";

    public static CommandDefinition Create()
    {
        var artifact = new Option<string>("--artifact") { Description = "Folder of what a pre-training or fine-tuning stage gave.", Required = true };
        var to = new Option<string>("--to") { Description = "Where to: file:///folder or azblob://account/container/prefix.", Required = true };
        var precision = new Option<string>("--precision") { Description = "Type of the weights.", DefaultValueFactory = _ => "fp32" };
        precision.AcceptOnlyFromAmong("fp32", BFloat16);
        var shardSize = new Option<long>("--shard-size")
        {
            Description = "Largest weights file, in bytes.",
            DefaultValueFactory = _ => ModelExport.DefaultMaximumFileBytes,
        };
        shardSize.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() <= 0)
            {
                result.AddError("--shard-size must be above 0");
            }
        });
        var command = new Command("export", "Write a language model as a Hugging Face LlamaForCausalLM folder, straight to a store.")
        {
            artifact, to, precision, shardSize,
        };
        return new CommandDefinition(command, async (parsed, cli, cancellationToken) =>
        {
            var store = ObjectStores.Open(parsed.GetRequiredValue(to));
            var type = parsed.GetRequiredValue(precision) == BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
            var exported = await ModelExport
                .RunAsync(parsed.GetRequiredValue(artifact), store, type, parsed.GetRequiredValue(shardSize), cancellationToken).ConfigureAwait(false);
            if (cli.IsJson)
            {
                cli.WriteJson(new ExportDocument(store.Address, exported.Files, exported.TensorBytes), CliJson.Indented.ExportDocument);
            }
            else
            {
                cli.Out.WriteLine($"Exported {exported.TensorBytes} bytes of weights to {store.Address}: {string.Join(", ", exported.Files)}");
            }
        });
    }
}
