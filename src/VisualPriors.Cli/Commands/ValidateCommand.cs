using System.CommandLine;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Output;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp validate</c>: everything <c>vp run</c> checks, and nothing else.</summary>
internal static class ValidateCommand
{
    public static CommandDefinition Create()
    {
        var file = ExperimentOptions.File();
        var data = ExperimentOptions.Data();
        var output = ExperimentOptions.Output();
        var command = new Command("validate", "Check a manifest and the data it names, down to every image, and show what `vp run` would do.")
        {
            file, data, output,
        };
        return new CommandDefinition(command, (parsed, cli, cancellationToken) =>
        {
            var manifest = parsed.GetRequiredValue(file);
            Execute(manifest, parsed.GetRequiredValue(data), ExperimentOptions.OutputOf(parsed.GetValue(output), manifest), cli, cancellationToken);
            return Task.CompletedTask;
        });
    }

    private static void Execute(string file, string data, string output, CliOutput cli, CancellationToken cancellationToken)
    {
        var experiment = ExperimentLoader.Load(file, data, output, cancellationToken);
        if (cli.IsJson)
        {
            cli.WriteJson(new PlanDocument(StageSummary.Of(experiment)), CliJson.Indented.PlanDocument);
        }
        else
        {
            PlanTable.Write(cli.Console, experiment);
        }
    }
}
