using System.CommandLine;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Output;
using VisualPriors.Cli.Trainer;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp run</c>: carries out a manifest's runs on this machine, one launcher per stage.</summary>
internal static class RunCommand
{
    public static CommandDefinition Create()
    {
        var file = ExperimentOptions.File();
        var data = ExperimentOptions.Data();
        var output = ExperimentOptions.Output();
        var checkpoints = ExperimentOptions.Checkpoints();
        var command = new Command("run", "Run a manifest's chain on this machine; stages that are finished already are reused.")
        {
            file, data, output, checkpoints,
        };
        return new CommandDefinition(command, (parsed, cli, cancellationToken) =>
        {
            var manifest = parsed.GetRequiredValue(file);
            return ExecuteAsync(
                manifest,
                parsed.GetRequiredValue(data),
                ExperimentOptions.OutputOf(parsed.GetValue(output), manifest),
                parsed.GetValue(checkpoints),
                cli,
                cancellationToken);
        });
    }

    private static async Task ExecuteAsync(
        string file, string data, string output, string? checkpoints, CliOutput cli, CancellationToken cancellationToken)
    {
        // The whole chain is checked before any of it starts.
        var experiment = ExperimentLoader.Load(file, data, output, cancellationToken, checkpoints);
        LocalMachine.Check(experiment, LocalMachine.HasGpu);
        if (!cli.IsJson)
        {
            PlanTable.Write(cli.Console, experiment);
        }

        var runner = new ExperimentRunner(new StageProcess(TrainerCommand.BesideThisProgram()));
        var display = RunDisplay.For(cli);
        var record = await display.ShowAsync(experiment, observer => runner.RunAsync(experiment, observer, cancellationToken)).ConfigureAwait(false);
        RunEnding.Write(cli, experiment, record);
    }
}
