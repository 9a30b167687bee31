using System.Globalization;
using Spectre.Console;
using VisualPriors.Api.Planning;

namespace VisualPriors.Cli.Output;

/// <summary>Shows what training takes.</summary>
internal static class EstimateTable
{
    /// <summary>Two tables for each run: memory, then time.</summary>
    public static void Write(CliOutput cli, GpuSpecification gpu, IReadOnlyList<RunEstimate> estimates)
    {
        foreach (var run in estimates.GroupBy(estimate => (estimate.Run, estimate.Kind)))
        {
            var gpus = run.First().Gpus;
            cli.Out.WriteLine(Text($"{run.Key.Kind} {run.Key.Run} on {gpus} x {gpu.Name} ({Gigabytes(gpu.MemoryBytes)} GB)"));
            WriteMemory(cli.Console, run);
            WriteTime(cli.Console, run);
        }

        cli.Out.WriteLine(Text($"GB per GPU (10^9 bytes). Weights, masters, moments, gradients, buffers and checkpoints are exact; ~ marks estimates."));
        cli.Out.WriteLine(Text($"Time at {gpu.Utilisation:P0} of {gpu.PeakFlops / 1e12:N0} dense bf16 TFLOP/s (assumed), less a fourth where blocks are recomputed, for the lowest ZeRO that fits; a fit leaves 5 % free."));
    }

    private static void WriteMemory(IAnsiConsole console, IEnumerable<RunEstimate> estimates)
    {
        var table = Start("Model", "Parameters", "Setting", "ZeRO", "Recompute", "Micro-batch", "Weights", "Masters", "Moments", "Gradients", "Buffers", "~Activations", "~of it loss", "~Total", "Fits");
        foreach (var estimate in estimates)
        {
            var options = new[] { ("as written", estimate.AsWritten), ("other recompute", estimate.OtherCheckpointing), ("lowest ZeRO that fits", estimate.Cheapest) };
            var isFirst = true;
            foreach (var (setting, option) in options.Where(option => option.Item2 is not null || option.Item1.StartsWith("lowest", StringComparison.Ordinal)))
            {
                string[] name = isFirst ? [Name(estimate), Text($"{estimate.Parameters:N0}")] : ["", ""];
                table.AddRow([.. name, setting, .. Cells(option)]);
                isFirst = false;
            }
        }

        console.Write(table);
    }

    private static string[] Cells(MemoryOption? option) => option is null
        ? [.. Enumerable.Repeat("-", 11), "[red]none fits[/]"]
        :
        [
            Text($"{option.ZeroStage}"),
            option.ActivationCheckpointing ? "yes" : "no",
            Text($"{option.MicroBatchSize:N0}"),
            Gigabytes(option.Memory.Weights),
            Gigabytes(option.Memory.Masters),
            Gigabytes(option.Memory.Moments),
            Gigabytes(option.Memory.Gradients),
            Gigabytes(option.Memory.Communication),
            Gigabytes(option.Memory.Activations),
            Gigabytes(option.Memory.Loss),
            Gigabytes(option.Memory.Total),
            option.Fits ? "[green]yes[/]" : "[red]no[/]",
        ];

    private static void WriteTime(IAnsiConsole console, IEnumerable<RunEstimate> estimates)
    {
        var table = Start("Model", "GFLOP/token", "~Tokens/s/GPU", "~Tokens/s", "Tokens", "~Time", "Checkpoint");
        foreach (var estimate in estimates)
        {
            table.AddRow(
                Name(estimate),
                Text($"{estimate.Throughput.FlopsPerToken / 1e9:N2}"),
                Text($"{estimate.Throughput.TokensPerSecondPerGpu:N0}"),
                Text($"{estimate.Throughput.TokensPerSecond:N0}"),
                estimate.Tokens is { } tokens ? Text($"{tokens:N0}") : "as the data are",
                estimate.Seconds is { } seconds ? Duration(seconds) : "",
                Text($"{Gigabytes(estimate.CheckpointBytes)} GB"));
        }

        console.Write(table);
    }

    private static Table Start(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var (column, i) in columns.Select((column, i) => (column, i)))
        {
            table.AddColumn(column, header => header.Alignment = i == 0 || column == "Setting" ? Justify.Left : Justify.Right);
        }

        return table;
    }

    private static string Name(RunEstimate estimate) => Markup.Escape((estimate.Preset ?? "its own") + (estimate.IsOwnModel ? " (the run's)" : ""));

    private static string Duration(double seconds) => TimeSpan.FromSeconds(seconds) is { TotalDays: >= 2 } time ? Text($"{time.TotalDays:N1} days") : StageText.Duration(TimeSpan.FromSeconds(seconds));

    private static string Gigabytes(long bytes) => bytes >= 100_000_000_000 ? Text($"{bytes / 1e9:N0}") : bytes >= 995_000_000 ? Text($"{bytes / 1e9:N1}") : Text($"{bytes / 1e9:0.###}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
